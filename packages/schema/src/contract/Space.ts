/** `GET /api/db/space`: what takes how much room, how fast it grows, and what of it would not be needed. */
import * as Schema from "effect/Schema"
import { spaceColumns } from "../sortColumns.ts"
import { pageOf, pageQuery } from "./Page.ts"
import { sampledRate } from "./Rate.ts"
import { Count, Text } from "./Scalars.ts"
import { unavailableParts } from "./Unavailable.ts"

export const SpaceQuery = pageQuery(spaceColumns)

/** An estimate from what ANALYZE noted, which can be off by a fifth. */
export const Bloat = Schema.Struct({
  /** `missing`: never analysed. `not visible`: the role that asks may not read a column. */
  statistics: Schema.Literals(["complete", "missing", "not visible"]),
  /** Room that would not be needed if it were written anew; null without complete statistics. */
  wastedBytes: Schema.NullOr(Schema.Finite),
  /** Of its bytes. */
  wastedShare: Schema.NullOr(Schema.Finite)
})

/** Its rows with their free space and visibility maps, its indexes, its long values. */
export const tableSize = {
  heapBytes: Count,
  indexBytes: Count,
  toastBytes: Count,
  totalBytes: Count,
  /** As the last VACUUM or ANALYZE estimated; null when neither ever ran. */
  rows: Schema.NullOr(Schema.Finite)
}

export const tableName = {
  schema: Text,
  table: Text,
  kind: Schema.Literals(["table", "materialized view", "partitioned table"]),
  /** As `schema.name`. */
  partitionOf: Schema.NullOr(Text)
}

/** Null when unknown, or when it shrank. */
const bytesPerDay = Schema.NullOr(Schema.Finite)

export const TableSpace = Schema.Struct({
  ...tableName,
  ...tableSize,
  bytesPerDay,
  ...sampledRate,
  /** Of its rows. Null where it is not estimated: partitioned tables, and those without a page. */
  bloat: Schema.NullOr(Bloat)
})

/** Tables, the largest first. */
export const Space = Schema.Struct({
  ...pageOf(TableSpace).fields,
  /** All of it, Postgres's own catalogs too; null when it is among `unavailableParts`. */
  database: Schema.NullOr(Schema.Struct({ name: Text, bytes: Count, bytesPerDay, ...sampledRate })),
  unavailableParts: unavailableParts(["database", "bloat"])
})
export type Space = typeof Space.Type
