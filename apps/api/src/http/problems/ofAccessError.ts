/** Why somebody was not let in, or an account or token was not changed, for the client. */
import type { AccessError, AccessReason } from "@ems/access/AccessError"
import { invalidToken, type Kind } from "../Problem.ts"

/** Total: a new reason without a status does not compile. */
const statuses: { readonly [Tag in AccessReason["_tag"]]: number } = {
  InvalidCredentials: 401,
  InvalidToken: 401,
  WeakPassword: 422,
  AccountExists: 409,
  UnknownAccount: 404,
  UnknownToken: 404,
  LastAdmin: 409,
  InvalidInput: 422,
  NotInstalled: 503,
  Overloaded: 503
}

const sentence = (message: string): string => `${message.charAt(0).toUpperCase()}${message.slice(1)}.`

export const ofAccessError = ({ message, reason }: AccessError): Kind => {
  // What is wrong with a token is for who has it, not for who guesses.
  if (reason._tag === "InvalidToken") return invalidToken
  return {
    status: statuses[reason._tag],
    reason: reason._tag,
    detail: sentence(message),
    ...(reason._tag === "Overloaded" && {
      headers: { "retry-after": String(Math.max(1, Math.ceil(reason.retryAfterMs / 1000))) }
    }),
    ...(reason._tag === "InvalidCredentials" && { headers: { "www-authenticate": "Bearer" } })
  }
}
