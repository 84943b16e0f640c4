/**
 * From what a driver or server threw to a `DbError`, keeping identifiers and codes and dropping everything that could
 * carry a value.
 */
import * as Predicate from "effect/Predicate"
import { DbError, type Fate, isDbError, type ReasonFacts } from "./DbError.ts"
import { isQuotable, reasonOfSqlState, type ReasonTag } from "./SqlState.ts"

/** The fields of an ErrorResponse that a `DbError` may keep. */
export interface ServerFields {
  readonly code: string
  readonly message: string
  readonly severity: string
  readonly constraint?: string
  readonly schema?: string
  readonly table?: string
  readonly column?: string
  readonly dataType?: string
  readonly position?: string
}

const text = (source: object, key: string): string | undefined => {
  const value = (source as Record<string, unknown>)[key]
  return typeof value === "string" && value.length > 0 ? value : undefined
}

/** Reads the server's fields off a thrown value, or `undefined` when it is not a server error. */
export const serverFields = (cause: unknown): ServerFields | undefined => {
  if (!Predicate.isObject(cause)) return undefined
  const code = text(cause, "code")
  const severity = text(cause, "severity")
  if (code === undefined || severity === undefined || !/^[0-9A-Z]{5}$/.test(code)) return undefined
  const kept: Record<string, string> = { code, severity, message: text(cause, "message") ?? "" }
  for (const key of ["constraint", "schema", "table", "column", "dataType", "position"]) {
    const value = text(cause, key)
    if (value !== undefined) kept[key] = value
  }
  // `code`, `severity` and `message` were set above.
  return kept as unknown as ServerFields
}

/** Texts of ours for codes whose own message may quote values. */
const plain: Partial<Record<ReasonTag, string>> = {
  UniqueViolation: "a row with the same key exists",
  ForeignKeyViolation: "the referenced row is missing, or this row is still referenced",
  CheckViolation: "a value does not satisfy the constraint",
  NotNullViolation: "a required column was null",
  ExclusionViolation: "the row conflicts with an existing one",
  InvalidData: "a value does not fit its type or range",
  InvalidStatement: "the statement is not valid here",
  ProtocolViolation: "the server could not read the message"
}

/**
 * Neon's proxy answers every failure to connect with XX000 and a text; these are its texts.
 * Source: neondatabase/neon, proxy/src (errors of auth, console and compute connect).
 */
const proxyTexts: ReadonlyArray<readonly [pattern: RegExp, tag: ReasonTag]> = [
  [/password authentication failed/i, "AuthenticationFailed"],
  [
    /couldn't connect to compute node|control plane request failed|timeout waiting|endpoint is temporarily/i,
    "ComputeWaking"
  ],
  [/too many connections|failed to acquire permit|remaining connection slots/i, "ResourceExhausted"],
  [/quota|limit of concurrently active endpoints/i, "ResourceExhausted"],
  [/endpoint is disabled|endpoint cannot be found|endpoint id is not specified|inconsistent project/i, "ConnectFailed"]
]

const tagOf = (fields: ServerFields): ReasonTag => {
  if (fields.code === "XX000") {
    for (const [pattern, tag] of proxyTexts) if (pattern.test(fields.message)) return tag
  }
  if (fields.code === "57014" && /user request/i.test(fields.message)) return "Cancelled"
  return reasonOfSqlState(fields.code)
}

/** A `DbError` for an ErrorResponse. */
export const fromServerFields = (fields: ServerFields, fate: Fate, operation: string): DbError => {
  const tag = tagOf(fields)
  const message = isQuotable(fields.code) || (fields.code === "XX000" && tag !== "ServerError")
    ? fields.message
    : plain[tag] ?? "the server reported an error"
  const facts: Record<string, string | number> = { message, sqlState: fields.code }
  for (const key of ["constraint", "schema", "table", "column", "dataType"] as const) {
    const value = fields[key]
    if (value !== undefined) facts[key] = value
  }
  if (fields.position !== undefined) facts["position"] = Number(fields.position)
  return DbError.of(tag, fate, operation, facts as ReasonFacts)
}

/** Node's and OpenSSL's codes that mean "nobody answered there" or "the certificate is not right". */
const socketText: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the server refused the connection: is it running, and is the port right?",
  ENOTFOUND: "the host name does not resolve",
  EAI_AGAIN: "the host name could not be resolved now",
  ETIMEDOUT: "the server did not answer",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the network",
  ECONNRESET: "the peer reset the connection",
  EPIPE: "the peer closed the connection",
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another host",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is self-signed; name its authority with sslrootcert",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate's authority is not trusted; name it with sslrootcert",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate's authority is not trusted; name it with sslrootcert",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate's authority is not trusted; name it with sslrootcert",
  CERT_HAS_EXPIRED: "the server's certificate has expired"
}

/**
 * A `DbError` for whatever a connection threw. Walks `cause` chains: an own `DbError` wins, then the server's fields,
 * then a socket code; the rest becomes `otherwise`.
 */
export const fromCause = (
  error: unknown,
  otherwise: ReasonTag,
  operation: string,
  fate: { readonly server: Fate; readonly socket: Fate }
): DbError => {
  let current: unknown = error
  let code: string | undefined
  for (let depth = 0; depth < 8 && Predicate.isObject(current); depth++) {
    if (isDbError(current)) return current
    const fields = serverFields(current)
    if (fields !== undefined) return fromServerFields(fields, fate.server, operation)
    code ??= text(current, "code")
    const next: Record<string, unknown> = current
    current = next["reason"] ?? next["cause"] ?? next["error"] ??
      (next["errors"] as ReadonlyArray<unknown> | undefined)?.[0]
  }
  const known = code === undefined ? undefined : socketText[code]
  const message = known ?? (code !== undefined && /^[A-Z_0-9]+$/.test(code)
    ? `the connection failed (${code})`
    : "the connection failed")
  return DbError.of(otherwise, fate.socket, operation, { message })
}
