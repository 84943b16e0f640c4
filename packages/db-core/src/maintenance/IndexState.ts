/**
 * Every index of the users' tables: its definition, whether queries can use it, who builds it now, and why it may not
 * be dropped.
 */
import type { CatalogQuery } from "../catalog/CatalogQuery.ts"
import { builderOf, isTwin } from "../catalog/IndexBuild.ts"
import { bytesOf, isUsers, whenOpen } from "../catalog/UserRelation.ts"

export interface IndexState {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** As it stands in SQL. */
  readonly sql: string
  readonly tableOid: number
  readonly table: string
  readonly bytes: number
  readonly isUsable: boolean
  /** The server process that builds or rebuilds it now; null when nobody does. */
  readonly builder: number | null
  /** What would make it again; null while somebody has locked its table exclusively. */
  readonly definition: string | null
  /** What stands behind its table in `definition`: from USING on. Null when it could not be told. */
  readonly body: string | null
  readonly isUnique: boolean
  /** Of a partitioned table, or one of its partitions' that belongs to it. */
  readonly isPartitioned: boolean
  readonly isPart: boolean
  /** By its name the twin that REINDEX CONCURRENTLY makes. */
  readonly isLeftover: boolean
  /** What would break without it; empty for one that can be dropped. */
  readonly neededBy: ReadonlyArray<string>
}

/** What stands before USING in the answer of `pg_get_indexdef`, which qualifies tables always. */
const head =
  `'CREATE ' || case when i.indisunique then 'UNIQUE ' else '' end || 'INDEX ' || quote_ident(c.relname) || ' ON '
  || case when c.relkind = 'I' then 'ONLY ' else '' end
  || case when t.relpersistence = 't' then 'pg_temp' else quote_ident(tn.nspname) end || '.' || quote_ident(t.relname) || ' '`

/** The body of an index, in a query with `i` pg_index, `c` its class, `t` its table and `tn` that one's schema. */
export const indexBody = `case when starts_with(pg_get_indexdef(i.indexrelid), ${head})
  then substr(pg_get_indexdef(i.indexrelid), length(${head}) + 1) end`

export const indexStates: CatalogQuery<IndexState> = {
  name: "index-states",
  sql: () => `
select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name,
  format('%I.%I', n.nspname, c.relname) as sql,
  t.oid::int8::float8 as "tableOid", t.relname::text as "table",
  ${bytesOf("c")} as bytes,
  i.indisvalid and i.indisready and i.indislive as "isUsable",
  ${builderOf("c.oid")} as builder,
  ${whenOpen("t.oid", "pg_get_indexdef(i.indexrelid)")} as definition,
  ${whenOpen("t.oid", indexBody)} as body,
  i.indisunique as "isUnique",
  c.relkind = 'I' as "isPartitioned",
  c.relispartition as "isPart",
  ${isTwin("c.relname")} as "isLeftover",
  array_remove(array[
    case when i.indisprimary then 'a primary key' end,
    case when i.indisexclusion then 'an exclusion constraint' end,
    case when i.indisreplident then 'the replica identity' end,
    case when i.indisclustered then 'CLUSTER' end,
    case when not i.indisprimary and exists (
      select from pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u', 'x')) then 'a constraint' end,
    case when exists (select from pg_constraint k where k.conindid = c.oid and k.contype = 'f') then 'a foreign key' end,
    case when c.relispartition then 'the index of its partitioned table' end
  ], null) as "neededBy"
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_namespace tn on tn.oid = t.relnamespace
where ${isUsers("n", "t")} and t.relpersistence <> 't'
order by 2, 3`
}
