/**
 * `GET /api/db/queries` and `/api/db/queries/:id`: what ran, how often and how long. As this process saw it
 * (`process`), or as the server counted it for everybody (`server`, from `pg_stat_statements`).
 */
import * as Schema from "effect/Schema"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, IsoInstant, Milliseconds, Share, Text } from "./Scalars.ts"
import { Unavailable } from "./Unavailable.ts"

/** The last minute, hour or day, at least three quarters of it; or all since start. The server counts by whole hours. */
export const QueryWindow = Schema.Literals(["1m", "1h", "24h", "all"])
export type QueryWindow = typeof QueryWindow.Type

/** Default `process`. */
const source = Schema.optionalKey(Schema.Literals(["process", "server"]))
/** Default `1h`. */
const window = Schema.optionalKey(QueryWindow)

/** What only this process knows of a query can be sorted by with `source=process`, what only the server does likewise. */
export const QueriesQuery = Schema.Struct({
  ...pageQuery([
    "total",
    "calls",
    "mean",
    "rows",
    "p50",
    "p95",
    "p99",
    "max",
    "errors",
    "reads",
    "temporary",
    "wal"
  ]).fields,
  source,
  window
})

export const QueryQuery = Schema.Struct({ source, window })

/** Of a query's path: what its text without values comes to, or `other` for all those that are not told apart. */
export const QueryId = Schema.Struct({ id: Text.check(Schema.isMaxLength(64)) })

export const QueryFigures = Schema.Struct({
  /** Finished, failures included; not what the cache answered. */
  calls: Count,
  /** Failed before a connection had them; not among `calls`. */
  unsent: Count,
  /** Returned, or affected where none are returned. */
  rows: Count,
  /** Those unsent too. */
  errors: Count,
  /** At or above the threshold. */
  slow: Count,
  totalMs: Milliseconds,
  meanMs: Milliseconds,
  /** Percentiles are off by at most 3.1 %. */
  p50Ms: Milliseconds,
  p95Ms: Milliseconds,
  p99Ms: Milliseconds,
  maxMs: Milliseconds,
  cache: Schema.Struct({
    hits: Count,
    misses: Count,
    bypasses: Count,
    /** Hits among hits and misses; 0 when there are none. */
    hitRatio: Share
  })
})

export const ProcessQuery = Schema.Struct({
  /** Stable: of its text without values. */
  id: Text,
  /** Without literals. */
  text: Schema.String,
  /** What the code calls it. */
  name: Schema.NullOr(Schema.String),
  /** Such as `SELECT`. */
  operation: Schema.NullOr(Schema.String),
  summary: Schema.String,
  tables: Schema.Array(Schema.String),
  firstSeen: IsoInstant,
  lastSeen: IsoInstant,
  ...QueryFigures.fields,
  /** By reason; since start, whatever the window. */
  errorReasons: Schema.Record(Schema.String, Count)
})
export type ProcessQuery = typeof ProcessQuery.Type

export const ServerQuery = Schema.Struct({
  /** As in `pg_stat_statements`; null for those together that were too small to be kept. */
  queryId: Schema.NullOr(Text),
  /** Its id in `source=process`. */
  id: Schema.NullOr(Text),
  /** Null when the role is gone. */
  user: Schema.NullOr(Schema.String),
  /** Without literals. */
  text: Schema.NullOr(Schema.String),
  calls: Count,
  totalMs: Milliseconds,
  meanMs: Milliseconds,
  rows: Count,
  sharedHitBlocks: Count,
  sharedReadBlocks: Count,
  tempBlocks: Count,
  walBytes: Count,
  /** Of the time of all statements in the window. */
  share: Schema.NullOr(Share),
  /** The beginnings of the first and the last hour in which it ran. */
  firstHour: IsoInstant,
  lastHour: IsoInstant
})
export type ServerQuery = typeof ServerQuery.Type

const fromProcess = { source: Schema.Literal("process"), window: QueryWindow }
const fromServer = { source: Schema.Literal("server"), window: QueryWindow }

export const Queries = Schema.Union([
  Schema.Struct({ ...fromProcess, ...pageOf(ProcessQuery).fields }),
  Schema.Struct({ ...fromServer, ...pageOf(ServerQuery).fields })
])
export type Queries = typeof Queries.Type

/** A plan without its conditions, which hold values. */
export const QueryPlan = Schema.Struct({
  /** Tells two ways to go about it apart; not of costs. */
  shape: Text,
  at: IsoInstant,
  /** From the root, each behind the one that reads from it; the first 200. */
  nodes: Schema.Array(Schema.Struct({
    /** 0 for the root. */
    depth: Count,
    /** Such as `Seq Scan`. */
    type: Schema.String,
    joinType: Schema.NullOr(Schema.String),
    relation: Schema.NullOr(Schema.String),
    index: Schema.NullOr(Schema.String),
    /** In the planner's unit. */
    startupCost: Schema.Finite,
    totalCost: Schema.Finite,
    /** Estimated. */
    rows: Schema.Finite
  })),
  nodeCount: Count
})
export type QueryPlan = typeof QueryPlan.Type

export const ProcessQueryDetail = Schema.Struct({
  ...ProcessQuery.fields,
  /** Routes, jobs and spans that asked: the first eight that were seen, the busiest first. */
  callers: Schema.Array(Schema.Struct({ name: Schema.String, calls: Count })),
  /** Null while nobody asked for it: the server is asked for plans of slow reads with `EMS_SLOW_QUERY_PLANS`. */
  plan: Schema.NullOr(Schema.Struct({
    latest: QueryPlan,
    /** Since when it has this shape. */
    since: IsoInstant,
    /** The last one of another shape. */
    previous: Schema.NullOr(QueryPlan)
  }))
})

export const Query = Schema.Union([
  Schema.Struct({ ...fromProcess, query: ProcessQueryDetail }),
  /** One for each role that ran it. */
  Schema.Struct({
    ...fromServer,
    statements: Schema.Array(ServerQuery),
    unavailable: Schema.NullOr(Unavailable),
    notes: Schema.Array(Text)
  })
])
export type Query = typeof Query.Type
