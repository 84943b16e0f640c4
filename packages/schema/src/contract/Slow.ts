/**
 * `emsdb slow --json`: the statements that are slow, those that run now and those that were counted. Either list may be
 * unavailable without the other.
 */
import * as Schema from "effect/Schema"
import { Session } from "./Activity.ts"
import { pageOf } from "./Page.ts"
import { ServerQuery } from "./Queries.ts"
import { Milliseconds, Text } from "./Scalars.ts"
import { SlowQueries } from "./SlowQueries.ts"

const {
  application,
  backendStart,
  database,
  isBlocked,
  pid,
  query,
  queryId,
  state,
  transactionMs,
  user,
  waitEvent,
  waitEventType
} = Session.fields

export const RunningStatement = Schema.Struct({
  pid,
  backendStart,
  database,
  user,
  application,
  state,
  waitEventType,
  waitEvent,
  isBlocked,
  /** How long it has run. */
  queryMs: Milliseconds,
  transactionMs,
  queryId,
  query,
  /** The command that is next: who it waits for, or its end. */
  next: Text
})
export type RunningStatement = typeof RunningStatement.Type

export const Slow = Schema.Struct({
  /** What takes at least so long is slow. */
  thresholdMs: Milliseconds,
  /** Of `counted`: the last hour, the last day, or all that is kept. */
  window: Schema.Literals(["1h", "24h", "all"]),
  /** Of clients of this database, the longest first. */
  running: pageOf(RunningStatement),
  /** Whose mean is over the threshold, by `pg_stat_statements`; the largest mean first. */
  counted: pageOf(ServerQuery),
  /** The slowest that the API that was asked keeps of its own, with who asked; null when the database was asked. */
  process: Schema.NullOr(SlowQueries)
})
export type Slow = typeof Slow.Type
