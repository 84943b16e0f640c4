/** `GET /api/db/status` and `emsdb status --json`: the state of the database in one look. What is null is among `unavailableParts`, or is not there. */
import * as Schema from "effect/Schema"
import { MaintenanceAction } from "./Maintenance.ts"
import { Count, ElapsedMs, IsoInstant, Share, Text } from "./Scalars.ts"
import { unavailableParts } from "./Unavailable.ts"

export const Status = Schema.Struct({
  timestamp: IsoInstant,
  server: Schema.Struct({
    database: Text,
    /** As `server_version_num`: 180004 is 18.4. */
    version: Count,
    /** It replays another server's log, and can only be read. */
    isStandby: Schema.Boolean,
    startedAt: IsoInstant
  }),
  /** Everything in the database, Postgres's own catalogs too. */
  databaseBytes: Schema.NullOr(Count),
  /** Share of the blocks that were in `shared_buffers`, since the statistics began; null when none was read. */
  cacheHitRatio: Schema.NullOr(Share),
  /** Of clients: how many, how many ordinary roles may have, and how many more are kept for others. */
  connections: Schema.NullOr(Schema.Struct({ used: Count, limit: Count, reserved: Count })),
  /** The oldest open one of a client; null when there is none. */
  longestTransaction: Schema.NullOr(Schema.Struct({
    pid: Count,
    user: Schema.NullOr(Schema.String),
    application: Schema.String,
    state: Schema.NullOr(Schema.String),
    transactionMs: ElapsedMs
  })),
  /** The database or table that is nearest to the point where writes are refused. */
  oldestTransactionId: Schema.NullOr(Schema.Struct({
    kind: Schema.Literals(["database", "table"]),
    /** A table's as `schema.name`. */
    name: Text,
    /** Transactions begun since. */
    xidAge: Schema.Finite,
    /** Of the way to that point; above 1 behind it. Of transaction ids or multixact ids, whichever is further. */
    share: Schema.Finite
  })),
  /** Maintenance that runs. */
  jobs: Schema.Array(Schema.Struct({
    id: Text,
    action: MaintenanceAction,
    actor: Schema.NullOr(Schema.String),
    startedAt: Schema.NullOr(IsoInstant),
    percent: Schema.NullOr(Schema.Finite)
  })),
  /** Of all checks, by severity, and how many checks could not look. */
  findings: Schema.Struct({ error: Count, warn: Count, info: Count, unavailable: Count }),
  unavailableParts: unavailableParts([
    "databaseBytes",
    "cacheHitRatio",
    "connections",
    "longestTransaction",
    "oldestTransactionId"
  ])
})
export type Status = typeof Status.Type
