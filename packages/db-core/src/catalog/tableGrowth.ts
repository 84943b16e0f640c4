/**
 * How fast each table grows, with its indexes and TOAST, and how fast the database does.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { isNamed, rateColumns, rateNotes, ratesOf, type SampledRate } from "./SampledRates.ts"
import { type DatabaseSize, databaseSize, sizes, type TableSize } from "./sizes.ts"

export interface TableGrowth extends TableSize, SampledRate {
  /**
   * Of the last 7 days; null when unknown. A partitioned table's is that of all its partitions, so that one that was
   * added counts and one that was dropped is taken off.
   */
  readonly bytesPerDay: number | null
}

export const tableGrowth: CatalogQuery<TableGrowth> = {
  name: "table-growth",
  notes: rateNotes,
  sql: (server) => `
with rate as materialized ${ratesOf(server, "table", "value")}
select q.*, r.per_day as "bytesPerDay", ${rateColumns(server, "r")}
from (${sizes.sql(server)}) q
left join pg_class c on ${isNamed("q.schema", "q.\"table\"")}
left join rate r on r.object = c.oid
order by r.per_day desc nulls last, q."totalBytes" desc, q.schema, q."table"`
}

export interface DatabaseGrowth extends DatabaseSize, SampledRate {
  /** Of the last 7 days; null when unknown, and when it shrank. */
  readonly bytesPerDay: number | null
}

export const databaseGrowth: CatalogQuery<DatabaseGrowth> = {
  name: "database-growth",
  notes: rateNotes,
  sql: (server) => `
select q.*, r.per_day as "bytesPerDay", ${rateColumns(server, "r")}
from (${databaseSize.sql(server)}) q left join ${ratesOf(server, "database", "value")} r on true`
}
