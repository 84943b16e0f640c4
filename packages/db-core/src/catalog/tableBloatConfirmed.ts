/**
 * Measures what `tableBloat.ts` estimates, with `pgstattuple_approx`: it reads the pages that VACUUM has not marked as
 * visible to all, and takes the free space map's word for the others.
 *
 * Only tables that look bloated or cannot be estimated, those with most to gain first, until `measuredBytes` of them
 * would be read.
 */
import { type CatalogQuery, needsExtension, unavailable } from "./CatalogQuery.ts"
import type { ServerFacts } from "./ServerFacts.ts"
import { type TableBloat, tableBloat } from "./tableBloat.ts"
import { isOpen } from "./UserRelation.ts"

/** What one question reads at most, in bytes of tables or indexes: a few seconds from a disk. */
export const measuredBytes = 1_073_741_824

/** A share of estimated waste below which measuring is not worth the reads. */
const doubtfulShare = 0.1

export interface TableBloatConfirmed extends Pick<TableBloat, "schema" | "table" | "fillFactor"> {
  readonly bytes: number
  readonly rows: number
  /** Rows that VACUUM can remove, or could if nobody held it back. */
  readonly deadBytes: number
  readonly freeBytes: number
  /** Dead and free, without what `fillfactor` keeps free and what no whole row fits in. */
  readonly wastedBytes: number
  readonly wastedShare: number
  /** The estimate it confirms or not; null where there was none. */
  readonly estimatedShare: number | null
}

/** For both files that measure. */
export const needsPgstattuple = (server: ServerFacts) =>
  needsExtension(server, "pgstattuple") ??
    (server.scansTables
      ? undefined
      : unavailable("privilege", `needs the role pg_stat_scan_tables: grant pg_stat_scan_tables to ${server.role}`))

/** `chosen`: the rows of an estimate that are measured, with their oids. `name` is the column of the relation's name. */
export const worthMeasuring = (estimate: string, name: string): string =>
  `estimate as (${estimate}),
ranked as (
  select e.*, c.oid,
    sum(pg_relation_size(c.oid)) over (order by coalesce(e."wastedBytes", e.bytes) desc, c.oid) as read
  from estimate e
  join pg_namespace n on n.nspname = e.schema
  join pg_class c on c.relnamespace = n.oid and c.relname = ${name}
  where coalesce(e."wastedShare", 1) >= ${doubtfulShare} and e.bytes <= ${measuredBytes} and ${isOpen("c.oid")}
),
chosen as materialized (select * from ranked where read <= ${measuredBytes})`

export const tableBloatConfirmed: CatalogQuery<TableBloatConfirmed> = {
  name: "table-bloat-confirmed",
  unavailable: needsPgstattuple,
  notes: () => [`Of the tables that look bloated, as many are measured as have ${measuredBytes} bytes together`],
  sql: (server) => `
with ${worthMeasuring(tableBloat.sql(server), "e.\"table\"")},
measured as (
  select r.*, m.table_len::float8 as len, m.approx_tuple_count::float8 as count, m.dead_tuple_len::float8 as dead,
    m.approx_free_space as free, m.approx_tuple_len / nullif(m.approx_tuple_count, 0) + 4 as each,
    current_setting('block_size')::float8 as block
  from chosen r
  cross join lateral ${server.extensions.get("pgstattuple")?.schema ?? "public"}.pgstattuple_approx(r.oid) m
),
kept as (
  select m.*, m.len / m.block * (m.block * (1 - m."fillFactor" / 100)
    + coalesce(u.usable - greatest(1, floor(u.usable / m.each)) * m.each, 0)) as reserve
  from measured m
  cross join lateral (select m.block * m."fillFactor" / 100 - 24 as usable) u
),
wasted as (
  select k.*, least(k.len, greatest(0, k.dead + k.free - k.reserve)) as waste from kept k
)
select schema, "table", "fillFactor", len as bytes, count as rows, dead as "deadBytes", free as "freeBytes",
  waste as "wastedBytes", coalesce(waste / nullif(len, 0), 0) as "wastedShare", "wastedShare" as "estimatedShare"
from wasted
order by waste desc, 1, 2`
}
