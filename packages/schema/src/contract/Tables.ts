/** `GET /api/db/tables`: how large each table is, how it is read, and what is written to it. */
import * as Schema from "effect/Schema"
import { tableColumns } from "../sortColumns.ts"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, IsoInstant, Share } from "./Scalars.ts"
import { tableName, tableSize } from "./Space.ts"
import { unavailableParts } from "./Unavailable.ts"

export const TablesQuery = pageQuery(tableColumns)

/** Counted since the statistics began. */
export const TableActivity = Schema.Struct({
  sequentialScans: Count,
  sequentialRows: Count,
  /** Null when there was none, and before Postgres 16. */
  lastSequentialScan: Schema.NullOr(IsoInstant),
  indexScans: Count,
  indexRows: Count,
  inserts: Count,
  updates: Count,
  deletes: Count,
  /** Of the updates: those that left the indexes alone; null without updates. */
  hotShare: Schema.NullOr(Share),
  /** Of the updates: those whose row went to another page; null without updates, and before Postgres 16. */
  newPageShare: Schema.NullOr(Share),
  liveRows: Schema.Finite,
  deadRows: Schema.Finite,
  lastVacuum: Schema.NullOr(IsoInstant),
  lastAnalyze: Schema.NullOr(IsoInstant),
  isLastVacuumAutomatic: Schema.NullOr(Schema.Boolean),
  isLastAnalyzeAutomatic: Schema.NullOr(Schema.Boolean),
  vacuums: Count,
  analyzes: Count,
  /** Share of the blocks that were in `shared_buffers`; null when none was read. */
  cacheHitRatio: Schema.NullOr(Share),
  observedSince: Schema.NullOr(IsoInstant)
})

export const Table = Schema.Struct({
  ...tableName,
  ...tableSize,
  /** Null for a partitioned table: what happens is counted in its partitions. */
  activity: Schema.NullOr(TableActivity)
})

/** The largest first. */
export const Tables = Schema.Struct({ ...pageOf(Table).fields, unavailableParts: unavailableParts(["activity"]) })
export type Tables = typeof Tables.Type
