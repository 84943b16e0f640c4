/**
 * What a SQLSTATE means to a caller: a pure table, no I/O.
 *
 * Source: PostgreSQL documentation, Appendix A "PostgreSQL Error Codes". A five-character code is looked up first,
 * then its two-character class.
 */

/** Every kind of failure a caller can match on. */
export type ReasonTag =
  | "ConnectFailed"
  | "AuthenticationFailed"
  | "DatabaseMissing"
  | "ConnectionLost"
  | "PoolTimeout"
  | "PoolQueueFull"
  | "PoolClosed"
  | "DeadlineExceeded"
  | "Cancelled"
  | "UniqueViolation"
  | "ForeignKeyViolation"
  | "CheckViolation"
  | "NotNullViolation"
  | "ExclusionViolation"
  | "InvalidData"
  | "InvalidStatement"
  | "InsufficientPrivilege"
  | "Serialization"
  | "Deadlock"
  | "LockTimeout"
  | "StatementTimeout"
  | "ReadOnly"
  | "NotPrimary"
  | "ResourceExhausted"
  | "ComputeWaking"
  | "CommitUnknown"
  | "CommitRolledBack"
  | "Unsupported"
  | "ProtocolViolation"
  | "ServerError"

const codes: Readonly<Record<string, ReasonTag>> = {
  // ON DELETE RESTRICT: 23001 from Postgres 18 on, 23503 before.
  "23001": "ForeignKeyViolation",
  "23502": "NotNullViolation",
  "23503": "ForeignKeyViolation",
  "23505": "UniqueViolation",
  "23514": "CheckViolation",
  "23P01": "ExclusionViolation",
  "25006": "ReadOnly",
  "25P02": "InvalidStatement",
  "25P03": "ConnectionLost",
  "25P04": "ConnectionLost",
  "3D000": "DatabaseMissing",
  "40001": "Serialization",
  "40002": "CheckViolation",
  "40003": "CommitUnknown",
  "40P01": "Deadlock",
  "42501": "InsufficientPrivilege",
  "53300": "ResourceExhausted",
  "55P03": "LockTimeout",
  "57014": "StatementTimeout",
  "57P01": "ConnectionLost",
  "57P02": "ConnectionLost",
  "57P03": "ComputeWaking",
  "57P05": "ConnectionLost",
  "08P01": "ProtocolViolation"
}

const classes: Readonly<Record<string, ReasonTag>> = {
  "08": "ConnectionLost",
  "0A": "InvalidStatement",
  "21": "InvalidStatement",
  "22": "InvalidData",
  "23": "CheckViolation",
  "25": "InvalidStatement",
  "26": "InvalidStatement",
  "28": "AuthenticationFailed",
  "2B": "InvalidStatement",
  "34": "InvalidStatement",
  "3B": "InvalidStatement",
  "3F": "InvalidStatement",
  "40": "Serialization",
  "42": "InvalidStatement",
  "44": "CheckViolation",
  "53": "ResourceExhausted",
  "54": "ResourceExhausted",
  "55": "InvalidStatement",
  "57": "ServerError",
  "58": "ServerError"
}

/** The kind of failure a server error code stands for; `ServerError` when the code is unknown. */
export const reasonOfSqlState = (code: string): ReasonTag => codes[code] ?? classes[code.slice(0, 2)] ?? "ServerError"

/**
 * Codes whose primary message names only identifiers, types, roles or limits. The text of every other code may quote
 * row values or literals (`invalid input syntax for type integer: "…"`), so it is never repeated.
 */
const quotable = new Set([
  "25001",
  "25006",
  "28000",
  "28P01",
  "3D000",
  "3F000",
  "40001",
  "40P01",
  "42501",
  "42702",
  "42703",
  "42704",
  "42723",
  "42725",
  "42883",
  "42P01",
  "42P02",
  "42P06",
  "42P07",
  "53100",
  "53200",
  "53300",
  "53400",
  "55006",
  "55P03",
  "57014",
  "57P01",
  "57P02",
  "57P03",
  "57P05"
])

/** Whether the server's primary message may be shown: it cannot hold row values. */
export const isQuotable = (code: string): boolean => quotable.has(code)

/** May the same work succeed if tried again later, whoever does it? Says nothing about whether a retry is safe. */
export const transientReasons: Readonly<Record<ReasonTag, boolean>> = {
  ConnectFailed: true,
  AuthenticationFailed: false,
  DatabaseMissing: false,
  ConnectionLost: true,
  PoolTimeout: true,
  PoolQueueFull: true,
  PoolClosed: false,
  DeadlineExceeded: false,
  Cancelled: false,
  UniqueViolation: false,
  ForeignKeyViolation: false,
  CheckViolation: false,
  NotNullViolation: false,
  ExclusionViolation: false,
  InvalidData: false,
  InvalidStatement: false,
  InsufficientPrivilege: false,
  Serialization: true,
  Deadlock: true,
  LockTimeout: true,
  StatementTimeout: false,
  ReadOnly: true,
  NotPrimary: true,
  ResourceExhausted: true,
  ComputeWaking: true,
  CommitUnknown: false,
  CommitRolledBack: false,
  Unsupported: false,
  ProtocolViolation: false,
  ServerError: false
}
