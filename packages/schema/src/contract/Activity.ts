/** `GET /api/db/activity`: every session and background process of the server, and what it does. */
import * as Schema from "effect/Schema"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, ElapsedMs, IsoInstant } from "./Scalars.ts"

/** As in `pg_stat_activity`. */
const states = [
  "active",
  "idle",
  "idle in transaction",
  "idle in transaction (aborted)",
  "fastpath function call",
  "starting",
  "disabled"
] as const

export const ActivityQuery = Schema.Struct({
  ...pageQuery(["pid", "query", "transaction", "state", "connected"]).fields,
  /** Only sessions in that state. */
  state: Schema.optionalKey(Schema.Literals(states))
})

export const Session = Schema.Struct({
  pid: Count,
  /** The leader's process, of a parallel worker. */
  leaderPid: Schema.NullOr(Count),
  /** `client backend`, `autovacuum worker`, …; null where the role that asks may not see it. */
  backendType: Schema.NullOr(Schema.String),
  database: Schema.NullOr(Schema.String),
  user: Schema.NullOr(Schema.String),
  application: Schema.String,
  /** How it is connected; `none` for the server's own processes, and where it may not be seen. */
  client: Schema.Literals(["network", "socket", "none"]),
  address: Schema.NullOr(Schema.String),
  /** Null where it may not be seen. */
  state: Schema.NullOr(Schema.String),
  waitEventType: Schema.NullOr(Schema.String),
  waitEvent: Schema.NullOr(Schema.String),
  /** Since the statement that runs, or ran last, began. */
  queryMs: Schema.NullOr(ElapsedMs),
  transactionMs: Schema.NullOr(ElapsedMs),
  /** Since the state last changed. */
  stateMs: Schema.NullOr(ElapsedMs),
  connectedMs: Schema.NullOr(ElapsedMs),
  /** With `pid` it says which session, as a number alone does not: to be given when it is cancelled or ended. */
  backendStart: Schema.NullOr(IsoInstant),
  /** It waits for a lock. */
  isBlocked: Schema.Boolean,
  /** The session that asked. */
  isOwn: Schema.Boolean,
  /** As in `pg_stat_statements`. */
  queryId: Schema.NullOr(Schema.String),
  /** Without literals. */
  query: Schema.NullOr(Schema.String)
})

export const Activity = pageOf(Session)
export type Activity = typeof Activity.Type
