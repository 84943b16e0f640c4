/**
 * Errors as `application/problem+json` (RFC 9457). Every text is a constant of this product: nothing that a database,
 * a driver or an exception said gets in.
 */
import type { DbError } from "@ems/db-core/errors/DbError"
import type { ReasonTag } from "@ems/db-core/errors/SqlState"
import * as Contract from "@ems/schema/contract/Problem"
import * as Schema from "effect/Schema"
import type { Json } from "effect/Schema"
import { STATUS_CODES } from "node:http"
import * as RequestInfo from "./RequestInfo.ts"

export const contentType = "application/problem+json"

export interface Kind {
  readonly status: number
  readonly detail?: string
  /** The reason in one word, for programs. */
  readonly reason?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the problem, for programs. */
  readonly more?: Readonly<Record<string, Json>>
}

interface DbKind {
  readonly status: number
  readonly detail: string
  /** Seconds after which the same request may succeed. */
  readonly retryAfter?: number
}

const unavailable = (detail: string, retryAfter: number): DbKind => ({ status: 503, detail, retryAfter })
const ours: DbKind = { status: 500, detail: "The request could not be carried out. The mistake is on our side." }

/** Total: a new reason without a status does not compile. */
const dbKinds: { readonly [Tag in ReasonTag]: DbKind } = {
  ConnectFailed: unavailable("The database cannot be reached.", 5),
  AuthenticationFailed: ours,
  DatabaseMissing: ours,
  ConnectionLost: unavailable("The connection to the database was lost.", 1),
  PoolTimeout: unavailable("Every connection to the database is busy.", 2),
  PoolQueueFull: unavailable("Too many requests wait for the database.", 5),
  PoolClosed: unavailable("The server is stopping.", 5),
  DeadlineExceeded: { status: 504, detail: "The database did not answer in time." },
  Cancelled: unavailable("The work was cancelled at the database.", 1),
  UniqueViolation: { status: 409, detail: "Something with the same key exists." },
  ForeignKeyViolation: { status: 409, detail: "Something that this refers to is missing, or is still referred to." },
  CheckViolation: { status: 422, detail: "A value is not allowed." },
  NotNullViolation: { status: 422, detail: "A required value is missing." },
  ExclusionViolation: { status: 409, detail: "This conflicts with something that exists." },
  InvalidData: { status: 422, detail: "A value does not fit its type or range." },
  InvalidStatement: ours,
  InsufficientPrivilege: ours,
  Serialization: unavailable("Another request changed the same data at the same time.", 1),
  Deadlock: unavailable("Another request changed the same data at the same time.", 1),
  LockTimeout: unavailable("Another request holds the same data for long.", 2),
  StatementTimeout: { status: 504, detail: "The database did not answer in time." },
  ReadOnly: unavailable("The database takes no changes at the moment.", 5),
  NotPrimary: unavailable("The database takes no changes at the moment.", 5),
  ResourceExhausted: unavailable("The database is out of a resource.", 5),
  ComputeWaking: unavailable("The database is starting.", 2),
  CommitUnknown: { status: 500, detail: "The connection was lost while the changes were being saved." },
  CommitRolledBack: { status: 500, detail: "The changes were not saved." },
  Unsupported: { status: 501, detail: "The database in use cannot do this." },
  ProtocolViolation: ours,
  ServerError: ours
}

/** The client closed the connection: nobody reads this, it is for the log. */
export const clientGone: Kind = { status: 499, reason: "ClientGone" }
/** RFC 9112, 3.2. */
export const noHost: Kind = { status: 400, detail: "The Host header is missing, or what it holds is no host." }
export const noToken: Kind = {
  status: 401,
  detail: "Send an access token: Authorization: Bearer …",
  reason: "NoToken",
  headers: { "www-authenticate": "Bearer" }
}
/** One answer for every reason: what is wrong with a credential is for who has it, not for who guesses. */
export const invalidToken: Kind = {
  status: 401,
  detail: "The access token is not valid: it may have expired or been revoked.",
  reason: "InvalidToken",
  headers: { "www-authenticate": "Bearer error=\"invalid_token\"" }
}
export const forbidden = (role: string, scope: string): Kind => ({
  status: 403,
  detail: `This needs the role ${role} and the scope ${scope}.`,
  reason: "Forbidden",
  headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` }
})
/** It may be that this is allowed, and nobody can say so now. */
export const unverified: Kind = {
  status: 503,
  detail: "Who asks could not be checked: the database does not answer. Reading goes on for a while.",
  reason: "Unverified",
  headers: { "retry-after": "5" }
}
/** `retryAfter` in seconds. */
export const tooMany = (retryAfter: number): Kind => ({
  status: 429,
  detail: "Too many requests.",
  reason: "RateLimited",
  headers: { "retry-after": String(retryAfter) }
})
export const busy: Kind = {
  status: 503,
  detail: "The server is at work on as many requests as it takes.",
  reason: "Overloaded",
  headers: { "retry-after": "1" }
}
export const tookTooLong: Kind = {
  status: 504,
  detail: "The request took longer than it may, and was cancelled.",
  reason: "DeadlineExceeded"
}
export const stopping: Kind = { status: 503, detail: "The server is stopping.", headers: { "retry-after": "5" } }

const reads = ({ method }: Request): boolean => method === "GET" || method === "HEAD"

const uncertain = (detail: string): string =>
  `${detail} Whether the request took effect is not known: look before repeating it.`

/** `why` work that had begun was interrupted. Of a write nobody can say how far it had come. */
export const interrupted = (why: Kind, request: Request): Kind => {
  if (reads(request)) return why
  const { detail = "The request was interrupted.", reason, status } = why
  return { status, detail: uncertain(detail), ...(reason !== undefined && { reason }) }
}

/**
 * "Try again" is said only where trying again is safe: of a write whose fate is not known it would make a second one.
 */
export const ofDbError = ({ fate, reason }: DbError, request: Request): Kind => {
  const { detail, retryAfter, status } = dbKinds[reason._tag]
  const isRead = reads(request)
  const isUncertain = !isRead && fate === "Unknown"
  const mayRepeat = isRead || fate === "NotSent" || fate === "Refused" || fate === "RolledBack"
  return {
    status,
    reason: reason._tag,
    detail: isUncertain ? uncertain(detail) : detail,
    ...(retryAfter !== undefined && mayRepeat && { headers: { "retry-after": String(retryAfter) } })
  }
}

const encode = Schema.encodeSync(Contract.Problem)

export const toResponse = ({ detail, headers, more, reason, status }: Kind, request: Request): Response => {
  const problem = encode({
    type: "about:blank",
    title: STATUS_CODES[status] ?? (status === 499 ? "Client Closed Request" : "Error"),
    status,
    ...(detail !== undefined && { detail }),
    requestId: RequestInfo.of(request).id,
    ...(reason !== undefined && { reason }),
    ...more
  })
  return new Response(JSON.stringify(problem), { status, headers: { ...headers, "content-type": contentType } })
}

/** The last resort of the socket, when not even the error hook ran. */
export const unhandled = (): Response => toResponse({ status: 500 }, new Request("http://localhost/"))
