/** `GET /api/db/blocking`: who waits for whose locks, as one tree for each session that itself waits for nobody. */
import * as Schema from "effect/Schema"
import { blockingColumns } from "../sortColumns.ts"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, ElapsedMs } from "./Scalars.ts"

export const BlockingQuery = pageQuery(blockingColumns)

const session = {
  /** A leader's for its parallel workers; 0 for prepared transactions. */
  pid: Count,
  backendType: Schema.NullOr(Schema.String),
  database: Schema.NullOr(Schema.String),
  user: Schema.NullOr(Schema.String),
  application: Schema.NullOr(Schema.String),
  state: Schema.NullOr(Schema.String),
  transactionMs: Schema.NullOr(ElapsedMs),
  /** Since the state last changed. */
  stateMs: Schema.NullOr(ElapsedMs),
  /** Without literals. */
  query: Schema.NullOr(Schema.String)
}

export const Waiter = Schema.Struct({
  ...session,
  /** How many stand between it and the root: 1 for who waits for the root itself. */
  depth: Count,
  /** The nearest one it waits for. */
  behind: Count,
  /** Names of the prepared transactions that it waits for. */
  behindPrepared: Schema.Array(Schema.String),
  /** The lock it waits for, such as `ShareLock`. */
  lockMode: Schema.NullOr(Schema.String),
  /** `relation`, `transactionid` for a row, `advisory`, … */
  lockType: Schema.NullOr(Schema.String),
  /** The table or index, as `schema.name`, also when it waits for one of its rows. */
  lockObject: Schema.NullOr(Schema.String),
  /** Null for a moment after it began to wait. */
  waitedMs: Schema.NullOr(ElapsedMs),
  /** It waits for several, and stands with those behind it under an earlier one. */
  isRepeated: Schema.Boolean
})

export const BlockingRoot = Schema.Struct({
  ...session,
  /** Who waits for it directly or not, each counted once. */
  victims: Count,
  /** Of all of them the longest. */
  longestWaitMs: Schema.NullOr(ElapsedMs),
  /** Each before those who wait behind it; the first 200. */
  waiters: Schema.Array(Waiter)
})

/** Those with the most victims first. */
export const Blocking = Schema.Struct({
  ...pageOf(BlockingRoot).fields,
  /**
   * Deadlocks that Postgres has not found yet: process ids in the order in which each waits for the next. Whoever waits
   * behind one is in no tree.
   */
  cycles: Schema.Array(Schema.Array(Count))
})
export type Blocking = typeof Blocking.Type
