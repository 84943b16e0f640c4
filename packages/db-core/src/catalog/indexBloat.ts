/**
 * Room in B-tree indexes that their entries would not need if they were built anew: an estimate, from what ANALYZE
 * noted of their columns. `indexBloatConfirmed.ts` measures.
 *
 * After the query of ioguix (pgsql-bloat-estimation). Other than there, gaps between columns count (`PackedWidth`), and
 * so does deduplication (Postgres 13 and later): equal keys share one entry, with 6 bytes for each row. Keys of several
 * columns are taken to be as many as combinations of their values, which errs on the side of less bloat. An index that
 * grew in random order is about 69 % full, and not bloated for that.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { qualified } from "./Identifier.ts"
import { fillFactorOf, isVisible, packedWidth, statisticsOf } from "./PackedWidth.ts"
import { isUsers } from "./UserRelation.ts"

export interface IndexBloat {
  readonly schema: string
  readonly table: string
  readonly name: string
  /** As the last VACUUM or ANALYZE found it. */
  readonly bytes: number
  readonly entries: number
  readonly fillFactor: number
  /** As in `TableBloat`; of a column of type `name`, whose entries are shorter than it, they are missing. */
  readonly statistics: "complete" | "missing" | "not visible"
  readonly expectedBytes: number | null
  readonly wastedBytes: number | null
  /** `wastedBytes` by `bytes`: 0 to 1. */
  readonly wastedShare: number | null
}

export const indexBloat: CatalogQuery<IndexBloat> = {
  name: "index-bloat",
  notes: () => ["Bloat is estimated from ANALYZE's statistics, which can be off by a fifth; pgstattuple measures it"],
  sql: () => `
with recursive btree as (
  select i.*, c.relname, c.relpages, c.reltuples, c.reloptions, n.nspname, t.relname as table_name, t.reltuples as table_rows
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_am am on am.oid = c.relam
  join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = t.relnamespace
  where am.amname = 'btree' and c.relkind = 'i' and i.indisvalid and c.relpages > 1 and t.relkind in ('r', 'm')
    and ${isUsers("n", "t")}
),
field as (
  select b.indexrelid as rel, a.attnum::int as at, a.attlen::int as len, a.attalign as align, a.attstorage as storage,
    case when a.attlen <> -2 then
      coalesce(s.avg_width, case when coalesce(o.attnotnull, false) and a.attlen > 0 then a.attlen end)
    end::float8 as width,
    -- Entries of a single null are counted apart: they are all the same.
    case when b.indnatts > 1 then coalesce(s.nulls, 0) else 0 end as nulls,
    case when b.indnatts > 1 then 0 else coalesce(s.nulls, 0) end as empty,
    coalesce(o.is_visible, ${isVisible("x", "a.attnum")}) as is_visible,
    a.attnum <= b.indnkeyatts as is_key,
    case when s.distinct_values < 0 then -s.distinct_values * greatest(b.table_rows, 0) else s.distinct_values end
      + case when s.nulls > 0 and b.indnatts > 1 then 1 else 0 end as distinct_values,
    -- Entries are shared where equal values are the same bytes.
    a.attnum > b.indnkeyatts or exists (
      select from pg_opclass oc
      join pg_amproc ap on ap.amprocfamily = oc.opcfamily and ap.amproclefttype = oc.opcintype
        and ap.amprocrighttype = oc.opcintype and ap.amprocnum = 4
      where oc.oid = b.indclass[a.attnum - 1]
        and not exists (
          select from pg_collation co where co.oid = b.indcollation[a.attnum - 1] and not co.collisdeterministic
        )
    ) as is_same_bytes
  from btree b
  join pg_class x on x.oid = b.indexrelid
  join pg_attribute a on a.attrelid = b.indexrelid
  left join lateral (
    select c.attname, c.attnotnull, ${isVisible("t", "c.attnum")} as is_visible
    from pg_attribute c join pg_class t on t.oid = c.attrelid
    where c.attrelid = b.indrelid and c.attnum = b.indkey[a.attnum - 1]
  ) o on true
  left join lateral ${
    statisticsOf(
      "b.nspname",
      "case when o.attname is null then b.relname else b.table_name end",
      "coalesce(o.attname, a.attname)"
    )
  } s on true
),
${
    packedWidth({
      visible: "bool_and(f.is_visible)",
      empty: "max(f.empty)",
      keys: `case when bool_and(f.is_same_bytes and f.is_key) and count(*) = count(f.distinct_values)
      then exp(least(sum(ln(greatest(f.distinct_values, 1))), 100)) end`
    })
  },
sized as (
  select i.indexrelid, n.nspname, t.relname as table_name, c.relname, c.relpages, greatest(c.reltuples, 0)::float8 as entries,
    (greatest(c.reltuples, 0) * p.empty)::float8 as empty, p.visible as is_visible,
    current_setting('block_size')::float8 as block, ${fillFactorOf("c", 90)} as fill,
    -- A header of 8 bytes; one of 16 with a null in the entry.
    p.bytes + 8 + 8 * p.nulls as entry,
    case when not i.indisunique and not exists (
      select from pg_options_to_table(c.reloptions) o
      where o.option_name = 'deduplicate_items' and o.option_value in ('off', 'false', 'no', '0')
    ) then least(p.keys, greatest(c.reltuples, 0) * (1 - p.empty)) end as keys
  from packed p
  join pg_index i on i.indexrelid = p.rel
  join pg_class c on c.oid = i.indexrelid
  join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = t.relnamespace
),
filled as (
  -- Pages have 24 bytes of header and 16 of links; each entry has a pointer of 4; one shared by rows has at most 812.
  select s.*, s.block * s.fill / 100 - 40 as usable,
    least(s.entries * (s.entry + 4) - s.empty * (s.entry - 16),
      s.keys * (s.entry + 6) + 6 * s.entries * (1 + (s.entry + 6) / 812),
      (s.entries - s.empty) * (s.entry + 4) + case when s.keys is not null then 6.2 * s.empty end) as volume
  from sized s
),
expected as (
  -- Not by greatest() and least() alone, which pass over nulls.
  select f.*, case when f.entry is not null then (1 + ceil(f.volume / greatest(1, f.usable - f.entry)
    * (1 + (f.entry + 4) / greatest(1, f.usable - f.entry)))) * f.block end as bytes
  from filled f
)
select e.nspname::text as schema, e.table_name::text as "table", e.relname::text as name, e.relpages * e.block as bytes,
  e.entries, e.fill as "fillFactor",
  case when e.bytes is not null then 'complete' when e.is_visible then 'missing' else 'not visible' end as statistics,
  e.bytes as "expectedBytes",
  case when e.bytes is not null then greatest(0, e.relpages * e.block - e.bytes) end as "wastedBytes",
  case when e.bytes is not null then greatest(0, 1 - e.bytes / (e.relpages * e.block)) end as "wastedShare"
from expected e
order by "wastedBytes" desc nulls last, 1, 2, 3`
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`

export const indexBloatCheck = checkOf({
  name: "index-bloat",
  title: "Indexes with much empty room in them",
  query: indexBloat,
  thresholds: {
    share: {
      value: 0.5,
      unit: "ratio",
      source: "ours: entries in random order leave a B-tree 69 % full (Yao 1978), and estimates are off by a fifth"
    },
    bytes: { value: 104_857_600, unit: "bytes", source: "PgHero: index_bloat lists from 100 MB on" }
  },
  judge: (rows, { limit }) =>
    rows.flatMap(({ bytes, entries, expectedBytes, fillFactor, name, schema, table, wastedBytes, wastedShare }) => {
      if (wastedBytes === null || wastedShare === null) return []
      if (wastedBytes < limit("bytes") || wastedShare < limit("share")) return []
      return [{
        severity: "warn",
        object: { kind: "index", name: `${schema}.${name}` },
        summary: `About ${percent(wastedShare)} of ${schema}.${name} on ${schema}.${table} is empty, by estimate: ` +
          mebibytes(wastedBytes),
        evidence: {
          table: `${schema}.${table}`,
          isMeasured: false,
          bytes,
          expectedBytes,
          wastedBytes,
          wastedShare,
          entries,
          fillFactor
        },
        impact:
          "Scans read more pages and the cache holds them; a rebuild gives them back while writers go on, and needs " +
          "room for both",
        remediation: `reindex index concurrently ${qualified(schema, name)};`,
        documentation: manual("routine-reindex.html")
      }]
    })
})
