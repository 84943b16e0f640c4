/** Why a session was not signalled, for the client. */
import type { SessionSignalError } from "@ems/db-core/maintenance/SessionSignalError"
import type { Kind } from "../Problem.ts"

const statuses = {
  UnknownSession: 404,
  AnotherSession: 409,
  NotActive: 409,
  OwnSession: 422,
  AnotherDatabase: 422,
  NotAClient: 422,
  NotPermitted: 403
} as const satisfies { readonly [Tag in SessionSignalError["reason"]["_tag"]]: number }

export const ofSessionSignalError = ({ message, reason }: SessionSignalError): Kind => ({
  status: statuses[reason._tag],
  reason: reason._tag,
  detail: message
})
