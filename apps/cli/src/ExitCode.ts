/** The exit codes of every command, and which failure ends with which. */
import type { AccessReason } from "@ems/access/AccessError"
import type { ReasonTag } from "@ems/db-core/errors/SqlState"
import type { MaintenanceReason } from "@ems/db-core/maintenance/MaintenanceError"
import type { SessionSignalReason } from "@ems/db-core/maintenance/SessionSignalError"
import type { ExplainReason } from "@ems/db-core/optimizer/ExplainError"

export const ExitCode = {
  ok: 0,
  /** The command worked and found something that needs attention. */
  findings: 1,
  /** The command line or the configuration. */
  usage: 2,
  /** No usable connection to the database. */
  connection: 3,
  /** Another session holds a lock that is needed. */
  lockHeld: 4,
  /** Interrupted, or the work itself failed. */
  aborted: 5
} as const
export type ExitCode = typeof ExitCode[keyof typeof ExitCode]

/** Total over the reasons of `DbError`: a new reason without a code does not compile. */
export const exitCodeOfReason: Readonly<Record<ReasonTag, ExitCode>> = {
  ConnectFailed: ExitCode.connection,
  AuthenticationFailed: ExitCode.connection,
  DatabaseMissing: ExitCode.connection,
  ConnectionLost: ExitCode.connection,
  PoolTimeout: ExitCode.connection,
  PoolQueueFull: ExitCode.connection,
  ComputeWaking: ExitCode.connection,
  ResourceExhausted: ExitCode.connection,
  LockTimeout: ExitCode.lockHeld,
  PoolClosed: ExitCode.aborted,
  DeadlineExceeded: ExitCode.aborted,
  Cancelled: ExitCode.aborted,
  UniqueViolation: ExitCode.aborted,
  ForeignKeyViolation: ExitCode.aborted,
  CheckViolation: ExitCode.aborted,
  NotNullViolation: ExitCode.aborted,
  ExclusionViolation: ExitCode.aborted,
  InvalidData: ExitCode.aborted,
  InvalidStatement: ExitCode.aborted,
  InsufficientPrivilege: ExitCode.aborted,
  Serialization: ExitCode.aborted,
  Deadlock: ExitCode.aborted,
  StatementTimeout: ExitCode.aborted,
  ReadOnly: ExitCode.aborted,
  NotPrimary: ExitCode.aborted,
  CommitUnknown: ExitCode.aborted,
  CommitRolledBack: ExitCode.aborted,
  Unsupported: ExitCode.aborted,
  ProtocolViolation: ExitCode.aborted,
  ServerError: ExitCode.aborted
}

/** The same of maintenance that did not happen. */
export const exitCodeOfMaintenance: Readonly<Record<MaintenanceReason["_tag"], ExitCode>> = {
  RunnerBusy: ExitCode.lockHeld,
  LockTimeout: ExitCode.lockHeld,
  UnknownObject: ExitCode.usage,
  Unsupported: ExitCode.aborted,
  Cancelled: ExitCode.aborted
}

/** The same of an account or a token that was not changed. */
export const exitCodeOfAccess: Readonly<Record<AccessReason["_tag"], ExitCode>> = {
  InvalidInput: ExitCode.usage,
  WeakPassword: ExitCode.usage,
  UnknownAccount: ExitCode.usage,
  UnknownToken: ExitCode.usage,
  InvalidCredentials: ExitCode.aborted,
  InvalidToken: ExitCode.aborted,
  AccountExists: ExitCode.aborted,
  LastAdmin: ExitCode.aborted,
  NotInstalled: ExitCode.aborted,
  Overloaded: ExitCode.aborted
}

/** The same of what an API answers, by the HTTP status, where the reason does not say it. */
export const exitCodeOfStatus = (status: number | null): ExitCode => {
  switch (status) {
    case 400:
    case 404:
    case 409:
    case 413:
    case 422:
      return ExitCode.usage
    case 423:
      return ExitCode.lockHeld
    case null:
    case 401:
    case 429:
    case 502:
    case 503:
    case 504:
      return ExitCode.connection
    default:
      return ExitCode.aborted
  }
}

/** The same of a statement that was not explained. */
export const exitCodeOfExplain: Readonly<Record<ExplainReason["_tag"], ExitCode>> = {
  InvalidStatement: ExitCode.usage,
  InvalidValue: ExitCode.usage,
  ParameterCount: ExitCode.usage,
  Writes: ExitCode.usage,
  NotPermitted: ExitCode.aborted,
  TookTooLong: ExitCode.aborted,
  Failed: ExitCode.aborted
}

/** The same of a session that was not signalled. */
export const exitCodeOfSignal: Readonly<Record<SessionSignalReason["_tag"], ExitCode>> = {
  UnknownSession: ExitCode.usage,
  OwnSession: ExitCode.usage,
  AnotherDatabase: ExitCode.usage,
  NotAClient: ExitCode.usage,
  AnotherSession: ExitCode.aborted,
  NotActive: ExitCode.aborted,
  NotPermitted: ExitCode.aborted
}
