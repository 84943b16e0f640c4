/** Why a statement was not explained, for the client: a SQLSTATE and a position, nothing of the statement. */
import type { ExplainError } from "@ems/db-core/optimizer/ExplainError"
import type { Kind } from "../Problem.ts"

export const ofExplainError = ({ message, reason }: ExplainError): Kind => ({
  status: 422,
  reason: reason._tag,
  detail: message,
  more: reason._tag === "ParameterCount" ? { expected: reason.expected, given: reason.given } : {
    ...(reason.sqlState !== undefined && { sqlState: reason.sqlState }),
    ...(reason.position !== undefined && { position: reason.position })
  }
})
