/** `GET /api/db/metrics`: how the query cache, the statements of this process and the database do, in one look. */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { Cache } from "./Cache.ts"
import { indexUsage, unusedFor } from "./Indexes.ts"
import { QueryFigures } from "./Queries.ts"
import { Count, IsoInstant, Share, Text } from "./Scalars.ts"
import { Table } from "./Tables.ts"
import { unavailableParts } from "./Unavailable.ts"

/** Without its queries and tables: `/api/db/cache` has those. */
export const CacheMetrics = Cache.mapFields(Struct.omit(["queries", "tables"]))

/** All statements of this process together. */
export const StatementMetrics = Schema.Struct({
  ...QueryFigures.fields,
  /** Queries told apart now. */
  fingerprints: Count,
  /** Counted as `other`. */
  forgotten: Count,
  /** When counting began. */
  since: IsoInstant
})

const { bytes, definition, lastScan, name, scans, schema, table, writes } = indexUsage

export const UnusedIndex = Schema.Struct({
  schema,
  table,
  name,
  definition,
  bytes,
  scans,
  lastScan,
  writes,
  isPartitioned: Schema.Boolean,
  ...unusedFor
})

/** What is among `unavailableParts` could not be looked at, and is empty or null for that. */
export const DatabasePerformance = Schema.Struct({
  database: Schema.Struct({
    name: Text,
    /** As `server_version_num`: 180004 is 18.4. */
    version: Count,
    /** Null when it could not be asked for. */
    bytes: Schema.NullOr(Count),
    /** Share of the blocks that were in `shared_buffers`; null when none was read. */
    cacheHitRatio: Schema.NullOr(Share),
    startedAt: IsoInstant,
    /** Since when is counted; null when nobody noted it. */
    statisticsSince: Schema.NullOr(IsoInstant)
  }),
  /** The 50 largest. */
  tables: Schema.Array(Table),
  indexes: Schema.Array(Schema.Struct(indexUsage)),
  unusedIndexes: Schema.Array(UnusedIndex),
  /** Of all of them, listed or not. */
  counts: Schema.Struct({ tables: Count, indexes: Count, unusedIndexes: Count }),
  unavailableParts: unavailableParts([
    "size",
    "cacheHitRatio",
    "statisticsSince",
    "tables",
    "activity",
    "indexes",
    "unusedIndexes"
  ]),
  /** What limits the answer here. */
  notes: Schema.Array(Text)
})

export const Metrics = Schema.Struct({
  timestamp: IsoInstant,
  queryOptimization: Schema.Struct({ cache: CacheMetrics, metrics: StatementMetrics }),
  databasePerformance: DatabasePerformance
})
export type Metrics = typeof Metrics.Type
