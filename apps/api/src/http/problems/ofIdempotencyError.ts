/** Why a request with an `Idempotency-Key` was not carried out, for the client. */
import type { IdempotencyError } from "@ems/db-core/operation/IdempotencyError"
import type { Kind } from "../Problem.ts"

export const ofIdempotencyError = ({ reason }: IdempotencyError): Kind => {
  switch (reason._tag) {
    case "KeyReused":
      return {
        status: 422,
        reason: reason._tag,
        detail: "This Idempotency-Key was sent with another request: each needs its own."
      }
    case "InProgress":
      return {
        status: 409,
        reason: reason._tag,
        detail: "The first request with this Idempotency-Key is not answered yet.",
        headers: { "retry-after": String(Math.max(1, Math.ceil(reason.retryAfterMs / 1000))) }
      }
    case "NotInstalled":
      return {
        status: 501,
        reason: reason._tag,
        detail: "Idempotency keys are kept in a table that is missing here: run emsdb init, or send none."
      }
  }
}
