/**
 * Indexes whose every use another index of the same table serves as well: an exact duplicate, or one whose keys are
 * the first keys of the other.
 *
 * Two keys are the same when column or expression, operator class with its options, collation and order are. The
 * condition of partial indexes must be the same text. An index that keeps values unique is covered only by one that
 * keeps the same keys as unique, nulls included, and checks at once if it does. Columns of INCLUDE must be in the other
 * one somewhere. A prefix is worth nothing to another access method than btree: there only exact duplicates count.
 *
 * What a constraint, a foreign key, the replica identity or CLUSTER names, and parts of partitioned indexes, are never
 * the ones to go.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { qualified } from "./Identifier.ts"
import { bytesOf, isOpen, isUsers } from "./UserRelation.ts"

export interface RedundantIndex {
  readonly schema: string
  readonly table: string
  readonly name: string
  readonly definition: string
  readonly bytes: number
  readonly kind: "duplicate" | "prefix"
  readonly isPartitioned: boolean
  /** The index that stays, of the same schema. */
  readonly keep: string
  readonly keepDefinition: string
  readonly keepBytes: number
  readonly keepBecause: "primary key" | "constraint" | "unique" | "needed elsewhere" | "more columns" | "older"
}

export const redundantIndexes: CatalogQuery<RedundantIndex> = {
  name: "redundant-indexes",
  notes: () => ["Tables that are locked exclusively at this moment are left out"],
  sql: () => `
with candidate as (
  select i.indexrelid as oid, i.indrelid, i.indisunique as is_unique, i.indisprimary as is_primary, i.indimmediate,
    i.indnullsnotdistinct, c.relam, c.relkind, am.amname, c.relname, n.nspname, t.relname as table_name,
    coalesce(pg_get_expr(i.indpred, i.indrelid), '') as predicate,
    case when am.amname = 'btree' then '' else coalesce(c.reloptions::text, '') end as options,
    array(
      select format('%s|%s|%s|%s|%s',
        case when i.indkey[k] = 0 then pg_get_indexdef(i.indexrelid, k + 1, true) else i.indkey[k]::text end,
        i.indclass[k], i.indcollation[k], i.indoption[k],
        (select a.attoptions from pg_attribute a where a.attrelid = i.indexrelid and a.attnum = k + 1))
      from generate_series(0, i.indnkeyatts - 1) k
    ) as keys,
    array(select i.indkey[k] from generate_series(i.indnkeyatts, i.indnatts - 1) k) as included,
    array(select i.indkey[k] from generate_series(0, i.indnatts - 1) k) as columns,
    exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')) as is_constraint,
    i.indisprimary or i.indisexclusion or i.indisreplident or i.indisclustered or c.relispartition
      or exists (select from pg_constraint k where k.conindid = i.indexrelid) as is_needed
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_am am on am.oid = c.relam
  join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = t.relnamespace
  where i.indisvalid and i.indisready and i.indislive and ${isUsers("n", "t")} and ${
    isOpen("t.oid")
  } and t.relkind in ('r', 'm', 'p')
),
covered as (
  select a.oid, b.oid as by
  from candidate a
  join candidate b on b.indrelid = a.indrelid and b.oid <> a.oid and b.relam = a.relam and b.predicate = a.predicate
    and b.options = a.options
  where (b.keys = a.keys or a.amname = 'btree' and b.keys[1:cardinality(a.keys)] = a.keys)
    and a.included <@ b.columns
    and (not a.is_unique or b.is_unique and b.keys = a.keys and (b.indimmediate or not a.indimmediate)
      and (b.indnullsnotdistinct or not a.indnullsnotdistinct))
),
pair as (
  select a.oid, b.oid as by, cardinality(b.columns) > cardinality(a.columns) as is_wider
  from covered x
  join candidate a on a.oid = x.oid
  join candidate b on b.oid = x.by
  where not a.is_needed
    -- Each covers the other: the one that is needed stays, or else the older one.
    and (b.is_needed or b.oid < a.oid or not exists (select from covered y where y.oid = b.oid and y.by = a.oid))
)
select distinct on (a.nspname, a.table_name, a.relname)
  a.nspname::text as schema, a.table_name::text as "table", a.relname::text as name,
  pg_get_indexdef(a.oid) as definition, ${bytesOf("ac")} as bytes,
  case when a.keys = b.keys then 'duplicate' else 'prefix' end as kind,
  a.relkind = 'I' as "isPartitioned",
  b.relname::text as keep, pg_get_indexdef(b.oid) as "keepDefinition", ${bytesOf("bc")} as "keepBytes",
  case when b.is_primary then 'primary key' when b.is_constraint then 'constraint'
    when b.is_unique and not (a.is_unique and a.indnullsnotdistinct = b.indnullsnotdistinct) then 'unique' when b.is_needed then 'needed elsewhere'
    when p.is_wider then 'more columns' else 'older' end as "keepBecause"
from pair p
join candidate a on a.oid = p.oid
join pg_class ac on ac.oid = a.oid
join candidate b on b.oid = p.by
join pg_class bc on bc.oid = b.oid
where not exists (select from pair stays where stays.oid = b.oid)
order by a.nspname, a.table_name, a.relname, b.keys = a.keys desc, b.is_primary desc, b.is_constraint desc, b.oid`
}

const why: Readonly<Record<RedundantIndex["keepBecause"], string>> = {
  "primary key": "it is the primary key",
  "constraint": "a constraint needs it",
  "unique": "it also keeps the values unique",
  "needed elsewhere": "replication, CLUSTER or a partitioned index names it",
  "more columns": "it has the same first keys and more columns",
  "older": "it was made first"
}

export const redundantIndexCheck = checkOf({
  name: "redundant-index",
  title: "Indexes that another index makes superfluous",
  query: redundantIndexes,
  thresholds: {},
  judge: (rows) =>
    rows.map((
      { bytes, definition, isPartitioned, keep, keepBecause, keepBytes, keepDefinition, kind, name, schema, table }
    ) => ({
      severity: kind === "duplicate" ? "warn" : "info",
      object: { kind: "index", name: `${schema}.${name}` },
      summary: kind === "duplicate"
        ? `${schema}.${name} on ${schema}.${table} does nothing that ${schema}.${keep} does not; keep that: ${
          why[keepBecause]
        }`
        : `The keys of ${schema}.${name} on ${schema}.${table} are the first of ${schema}.${keep}; keep that: ${
          why[keepBecause]
        }`,
      evidence: {
        table: `${schema}.${table}`,
        bytes,
        definition,
        keep: `${schema}.${keep}`,
        keepBytes,
        keepDefinition
      },
      impact: kind === "duplicate"
        ? "Every write of the table keeps both"
        : "Every write of the table keeps both; scans of the wider one read more where it is much bigger",
      remediation: `drop index ${isPartitioned ? "" : "concurrently "}${qualified(schema, name)};`,
      documentation: manual("indexes-multicolumn.html")
    }))
})
