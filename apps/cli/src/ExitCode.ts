/** The exit codes of every command, and which failure ends with which. */
import type { ReasonTag } from "@ems/db-core/errors/SqlState"
import type { MaintenanceReason } from "@ems/db-core/maintenance/MaintenanceError"

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
