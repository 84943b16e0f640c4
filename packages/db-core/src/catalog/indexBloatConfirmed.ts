/**
 * Measures what `indexBloat.ts` estimates, with `pgstatindex`: it reads every page of a B-tree.
 *
 * Only indexes that look bloated or cannot be estimated, those with most to gain first, until `measuredBytes` of them
 * would be read.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { type IndexBloat, indexBloat } from "./indexBloat.ts"
import { measuredBytes, needsPgstattuple, worthMeasuring } from "./tableBloatConfirmed.ts"

export interface IndexBloatConfirmed extends Pick<IndexBloat, "schema" | "table" | "name" | "fillFactor"> {
  readonly bytes: number
  /** How full its leaf pages are: 0 to 100; null without any. */
  readonly leafDensity: number | null
  /** Pages that hold nothing, and wait to be used again. */
  readonly emptyBytes: number
  /** Empty, and what leaf pages lack to `fillfactor`. */
  readonly wastedBytes: number
  readonly wastedShare: number
  /** The estimate it confirms or not; null where there was none. */
  readonly estimatedShare: number | null
}

export const indexBloatConfirmed: CatalogQuery<IndexBloatConfirmed> = {
  name: "index-bloat-confirmed",
  unavailable: needsPgstattuple,
  notes: () => [`Of the indexes that look bloated, as many are measured as have ${measuredBytes} bytes together`],
  sql: (server) => `
with ${worthMeasuring(indexBloat.sql(server), "e.name")},
measured as (
  select r.*, m.index_size::float8 as len, nullif(m.avg_leaf_density, 'NaN') as density,
    (m.empty_pages + m.deleted_pages) * current_setting('block_size')::float8 as empty,
    m.leaf_pages * current_setting('block_size')::float8 as leaves
  from chosen r
  cross join lateral ${server.extensions.get("pgstattuple")?.schema ?? "public"}.pgstatindex(r.oid::regclass) m
),
wasted as (
  select m.*, m.empty + coalesce(m.leaves * greatest(0, 1 - m.density / m."fillFactor"), 0) as waste from measured m
)
select schema, "table", name, "fillFactor", len as bytes, density as "leafDensity", empty as "emptyBytes",
  waste as "wastedBytes", coalesce(waste / nullif(len, 0), 0) as "wastedShare", "wastedShare" as "estimatedShare"
from wasted
order by waste desc, 1, 2, 3`
}
