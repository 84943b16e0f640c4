/**
 * Room in tables that their rows would not need if they were written anew: an estimate, from what ANALYZE noted of
 * their columns. `tableBloatConfirmed.ts` measures.
 *
 * After the query of ioguix (pgsql-bloat-estimation): rows, times the width of one with its header and gaps, by what
 * a page holds of them up to its fillfactor. Other than there, gaps between columns count (`PackedWidth`), a page holds
 * a whole number of rows, and stored is only what is stored: not generated columns that are virtual. TOAST is ignored,
 * and so are rows from before a column was added with a default, which are narrower than they look. Pages and rows are
 * those of the last VACUUM or ANALYZE, so that they belong together.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { qualified } from "./Identifier.ts"
import { fillFactorOf, isVisible, maxAlign, packedWidth, statisticsOf } from "./PackedWidth.ts"
import { isUsers } from "./UserRelation.ts"

export interface TableBloat {
  readonly schema: string
  readonly table: string
  /** Of its rows, as the last VACUUM or ANALYZE found it. */
  readonly bytes: number
  readonly rows: number
  readonly fillFactor: number
  /**
   * - `missing`: never analysed, or a column of varying length is not in the statistics.
   * - `not visible`: this role may not read a column, or row security hides rows from it.
   */
  readonly statistics: "complete" | "missing" | "not visible"
  /** What it would have if it were written anew; null without complete statistics. */
  readonly expectedBytes: number | null
  readonly wastedBytes: number | null
  /** `wastedBytes` by `bytes`: 0 to 1. */
  readonly wastedShare: number | null
}

export const tableBloat: CatalogQuery<TableBloat> = {
  name: "table-bloat",
  notes: () => ["Bloat is estimated from ANALYZE's statistics, which can be off by a fifth; pgstattuple measures it"],
  sql: (server) => `
with recursive field as (
  select a.attrelid as rel, row_number() over (partition by a.attrelid order by a.attnum)::int as at,
    a.attlen::int as len, a.attalign as align, a.attstorage as storage,
    -- Of one that cannot be null, a fixed length is known without ANALYZE.
    coalesce(s.avg_width, case when a.attnotnull and a.attlen > 0 then a.attlen end)::float8 as width,
    coalesce(s.nulls, 0) as nulls, ${isVisible("c", "a.attnum")} as is_visible
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  left join lateral ${statisticsOf("n.nspname", "c.relname", "a.attname")} s on true
  where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'm') and ${isUsers("n", "c")}
    ${server.version >= 180_000 ? "and a.attgenerated <> 'v'" : ""}
),
${packedWidth({ visible: "bool_and(f.is_visible)", stored: "count(*)" })},
sized as (
  select c.oid, n.nspname, c.relname, c.relpages, c.reltuples::float8 as rows, p.visible as is_visible,
    current_setting('block_size')::float8 as block, ${fillFactorOf("c", 100)} as fill,
    -- Rows with a null have a bit for each column there ever was; 23 bytes and 8 of those bits round up to 24.
    p.bytes + 24 + case when p.stored < c.relnatts then 1 else p.nulls end
      * ${maxAlign} * (ceil((23 + ceil(c.relnatts / 8.0)) / ${maxAlign}) - 3) as tuple
  from packed p
  join pg_class c on c.oid = p.rel
  join pg_namespace n on n.oid = c.relnamespace
  where c.relpages > 0
),
expected as (
  -- Not by greatest() alone, which passes over nulls.
  select s.*, case when s.rows >= 0 and s.tuple is not null then
    ceil(s.rows / greatest(1, floor((s.block * s.fill / 100 - 24) / (s.tuple + 4)))) end * s.block as bytes
  from sized s
)
select e.nspname::text as schema, e.relname::text as "table", e.relpages * e.block as bytes, greatest(e.rows, 0) as rows,
  e.fill as "fillFactor",
  case when e.bytes is not null then 'complete' when e.is_visible then 'missing' else 'not visible' end as statistics,
  e.bytes as "expectedBytes",
  case when e.bytes is not null then greatest(0, e.relpages * e.block - e.bytes) end as "wastedBytes",
  case when e.bytes is not null then greatest(0, 1 - e.bytes / (e.relpages * e.block)) end as "wastedShare"
from expected e
order by "wastedBytes" desc nulls last, 1, 2`
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`

export const tableBloatCheck = checkOf({
  name: "table-bloat",
  title: "Tables with much empty room in them",
  query: tableBloat,
  thresholds: {
    share: { value: 0.2, unit: "ratio", source: "Percona PMM, check of table bloat: at least 20 % of the table" },
    bytes: { value: 104_857_600, unit: "bytes", source: "PgHero's figure for indexes; rewriting less gains nothing" },
    warnBytes: { value: 1_073_741_824, unit: "bytes", source: "Percona PMM, check of table bloat: 1 GB" }
  },
  judge: (rows, { limit }) =>
    rows.flatMap(({ bytes, expectedBytes, fillFactor, rows: count, schema, table, wastedBytes, wastedShare }) => {
      if (wastedBytes === null || wastedShare === null) return []
      if (wastedBytes < limit("bytes") || wastedShare < limit("share")) return []
      return [{
        severity: wastedBytes < limit("warnBytes") ? "info" : "warn",
        object: { kind: "table", name: `${schema}.${table}` },
        summary: `About ${percent(wastedShare)} of ${schema}.${table} is empty or dead, by estimate: ${
          mebibytes(wastedBytes)
        }`,
        evidence: { isMeasured: false, bytes, expectedBytes, wastedBytes, wastedShare, rows: count, fillFactor },
        impact:
          "Scans read it and the cache holds it; new rows will fill it first. Writing the table anew gives it back, " +
          "and keeps readers and writers out until it is done",
        remediation: `vacuum (full, analyze) ${qualified(schema, table)};`,
        documentation: manual("routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY")
      }]
    })
})
