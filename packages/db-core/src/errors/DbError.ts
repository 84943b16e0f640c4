/**
 * The one error of the data layer.
 *
 * A caller asks it three things: what happened (`reason`), may it go away by itself (`isTransient`), and what became
 * of the statement (`fate`). It holds identifiers and codes only. No parameter, row value, URL or secret ever gets
 * in: the server's `detail` (a 23502 carries the whole row) and driver causes are dropped where they are caught.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { type ReasonTag, transientReasons } from "./SqlState.ts"

/**
 * What became of the statement.
 * - `NotSent`: no byte of it was written.
 * - `Refused`: the server answered with an error; it changed nothing.
 * - `RolledBack`: it ran inside a transaction that did not commit.
 * - `Committed`: it took effect although an error was reported afterwards.
 * - `Unknown`: it may or may not have taken effect.
 */
export type Fate = "NotSent" | "Refused" | "RolledBack" | "Committed" | "Unknown"

/** What the server named in its error, or a short text of ours. Never values. */
const facts = {
  /** What was wrong and what would be right. */
  message: Schema.String,
  /** The five-character SQLSTATE, when the server sent one. */
  sqlState: Schema.optionalKey(Schema.String),
  constraint: Schema.optionalKey(Schema.String),
  schema: Schema.optionalKey(Schema.String),
  table: Schema.optionalKey(Schema.String),
  column: Schema.optionalKey(Schema.String),
  dataType: Schema.optionalKey(Schema.String),
  /** Character position in the statement, from 1. */
  position: Schema.optionalKey(Schema.Int)
}

/** The facts of one failure. */
export type ReasonFacts = Schema.Struct.Type<typeof facts>

const reason = <const Tag extends ReasonTag>(tag: Tag) => Schema.TaggedStruct(tag, facts)

/** Total over `ReasonTag`: a new tag without a schema does not compile. */
const reasons = {
  ConnectFailed: reason("ConnectFailed"),
  AuthenticationFailed: reason("AuthenticationFailed"),
  DatabaseMissing: reason("DatabaseMissing"),
  ConnectionLost: reason("ConnectionLost"),
  PoolTimeout: reason("PoolTimeout"),
  PoolQueueFull: reason("PoolQueueFull"),
  PoolClosed: reason("PoolClosed"),
  DeadlineExceeded: reason("DeadlineExceeded"),
  Cancelled: reason("Cancelled"),
  UniqueViolation: reason("UniqueViolation"),
  ForeignKeyViolation: reason("ForeignKeyViolation"),
  CheckViolation: reason("CheckViolation"),
  NotNullViolation: reason("NotNullViolation"),
  ExclusionViolation: reason("ExclusionViolation"),
  InvalidData: reason("InvalidData"),
  InvalidStatement: reason("InvalidStatement"),
  InsufficientPrivilege: reason("InsufficientPrivilege"),
  Serialization: reason("Serialization"),
  Deadlock: reason("Deadlock"),
  LockTimeout: reason("LockTimeout"),
  StatementTimeout: reason("StatementTimeout"),
  ReadOnly: reason("ReadOnly"),
  NotPrimary: reason("NotPrimary"),
  ResourceExhausted: reason("ResourceExhausted"),
  ComputeWaking: reason("ComputeWaking"),
  CommitUnknown: reason("CommitUnknown"),
  CommitRolledBack: reason("CommitRolledBack"),
  Unsupported: reason("Unsupported"),
  ProtocolViolation: reason("ProtocolViolation"),
  ServerError: reason("ServerError")
} satisfies { readonly [Tag in ReasonTag]: unknown }

/** Why an operation failed; match with `Effect.catchReason("DbError", "UniqueViolation", …)`. */
export type Reason = { readonly [Tag in ReasonTag]: (typeof reasons)[Tag]["Type"] }[ReasonTag]

const Reason = Schema.Union(Object.values(reasons))

/** The one error of the data layer: see the module's text. */
export class DbError extends Schema.TaggedError<DbError>()("DbError", {
  reason: Reason,
  fate: Schema.Literals(["NotSent", "Refused", "RolledBack", "Committed", "Unknown"]),
  /** What was being done: `connect`, `query`, `transaction`, `commit`, `stream`, `migrate`, … */
  operation: Schema.String
}) {
  /** Builds one from its tag; the usual constructor. */
  static of(tag: ReasonTag, fate: Fate, operation: string, facts: ReasonFacts): DbError {
    // The union's members differ in their tag only, and `tag` is one of them.
    return new DbError({ reason: { _tag: tag, ...facts } as Reason, fate, operation })
  }

  override get message(): string {
    const code = this.reason.sqlState === undefined ? "" : ` [${this.reason.sqlState}]`
    return `${this.operation}: ${this.reason._tag}${code}: ${this.reason.message}`
  }

  /** Is a table, or its schema, not there? For who can say what makes it. */
  get isMissingTable(): boolean {
    const { sqlState } = this.reason
    return sqlState === "42P01" || sqlState === "3F000"
  }

  /** May the same work succeed if tried again later? Ask `fate` as well before doing so. */
  get isTransient(): boolean {
    return transientReasons[this.reason._tag]
  }
}

export const isDbError: (u: unknown) => u is DbError = Predicate.isTagged("DbError") as (u: unknown) => u is DbError
