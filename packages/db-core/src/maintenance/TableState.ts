/**
 * The tables and materialized views that maintenance may work on: how large they are, how much of them is dead or
 * changed, and whether this role may.
 */
import type { CatalogQuery } from "../catalog/CatalogQuery.ts"
import { internalSchema } from "../catalog/internalSchema.ts"
import { isoInstant } from "../catalog/ServerFacts.ts"
import { bytesOf, isUsers } from "../catalog/UserRelation.ts"

export interface TableState {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** As it stands in SQL. */
  readonly sql: string
  /** Its rows are in its partitions. */
  readonly isPartitioned: boolean
  /** Of the data layer itself: left alone unless it is named. */
  readonly isInternal: boolean
  /** Of the rows themselves, without TOAST and indexes. */
  readonly heapBytes: number
  /** With TOAST. */
  readonly tableBytes: number
  readonly indexBytes: number
  /** As of the last vacuum, analyze or index build; -1 when never. */
  readonly rows: number
  readonly liveRows: number
  readonly deadRows: number
  /** Inserted, updated and deleted since the last ANALYZE. */
  readonly changedRows: number
  readonly vacuums: number
  readonly analyzes: number
  /** Average bytes of a row's columns together, by name; empty when never analysed. */
  readonly columns: ReadonlyArray<string>
  readonly widths: ReadonlyArray<number>
  /** VACUUM and ANALYZE would do nothing without it but warn. */
  readonly mayMaintain: boolean
  /** ISO instants; of the last one by hand or by autovacuum. */
  readonly vacuumedAt: string | null
  readonly analyzedAt: string | null
}

export const tableStates: CatalogQuery<TableState> = {
  name: "table-states",
  sql: ({ version }) => `
select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name,
  format('%I.%I', n.nspname, c.relname) as sql,
  c.relkind = 'p' as "isPartitioned",
  n.nspname = '${internalSchema}' as "isInternal",
  ${bytesOf("c")} as "heapBytes",
  ${bytesOf("c")} + coalesce((select ${bytesOf("o")} from pg_class o where o.oid = c.reltoastrelid), 0) as "tableBytes",
  (
    select coalesce(sum(${bytesOf("x")}), 0)::float8
    from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid
  ) as "indexBytes",
  c.reltuples::float8 as rows,
  coalesce(s.n_live_tup, 0)::float8 as "liveRows",
  coalesce(s.n_dead_tup, 0)::float8 as "deadRows",
  coalesce(s.n_mod_since_analyze, 0)::float8 as "changedRows",
  coalesce(s.vacuum_count, 0)::float8 as vacuums,
  coalesce(s.analyze_count, 0)::float8 as analyzes,
  array(select a.attname::text from pg_stats p join pg_attribute a on a.attrelid = c.oid and a.attname = p.attname
    where p.schemaname = n.nspname and p.tablename = c.relname and not p.inherited order by a.attnum) as columns,
  array(select p.avg_width::int4 from pg_stats p join pg_attribute a on a.attrelid = c.oid and a.attname = p.attname
    where p.schemaname = n.nspname and p.tablename = c.relname and not p.inherited order by a.attnum) as widths,
  -- A role inherits from the owner, owns the database, or from 17 on was given MAINTAIN.
  pg_has_role(current_user, c.relowner, 'usage')
    or pg_has_role(current_user, (select datdba from pg_database where datname = current_database()), 'usage')
    ${version >= 170_000 ? "or has_table_privilege(c.oid, 'maintain')" : ""} as "mayMaintain",
  ${isoInstant("greatest(s.last_vacuum, s.last_autovacuum)")} as "vacuumedAt",
  ${isoInstant("greatest(s.last_analyze, s.last_autoanalyze)")} as "analyzedAt"
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_stat_all_tables s on s.relid = c.oid
where c.relkind in ('r', 'm', 'p') and c.relpersistence <> 't'
  and ${isUsers("n", "c")}
order by 2, 3`
}
