/**
 * How much room each table takes and what for: its rows, its indexes, its long values (TOAST). And the whole database.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { bytesOf, isUsers } from "./UserRelation.ts"

export interface TableSize {
  readonly schema: string
  readonly table: string
  readonly kind: "table" | "materialized view" | "partitioned table"
  /** The partitioned table whose partition it is, as `schema.name`; null for others. */
  readonly partitionOf: string | null
  /** Its rows with their free space and visibility maps. A partitioned table has the sum of its partitions. */
  readonly heapBytes: number
  readonly indexBytes: number
  readonly toastBytes: number
  readonly totalBytes: number
  /** As the last VACUUM or ANALYZE estimated; null when neither ever ran. */
  readonly rows: number | null
}

export const sizes: CatalogQuery<TableSize> = {
  name: "sizes",
  sql: () => `
with recursive relation as (
  select c.oid, c.relkind, c.reltoastrelid, c.reltuples, ${bytesOf("c")} as bytes
  from pg_class c where c.relkind in ('r', 'm', 't', 'i')
),
piece (owner, purpose, bytes) as (
  select r.oid, 'heap', r.bytes from relation r where r.relkind in ('r', 'm')
  union all
  select i.indrelid, 'index', x.bytes from pg_index i join relation x on x.oid = i.indexrelid
  union all
  select r.oid, 'toast', t.bytes from relation r join relation t on t.oid = r.reltoastrelid
  union all
  select r.oid, 'toast', x.bytes
  from relation r join pg_index i on i.indrelid = r.reltoastrelid join relation x on x.oid = i.indexrelid
),
own as (
  select p.owner as oid, sum(p.bytes) filter (where p.purpose = 'heap') as heap,
    sum(p.bytes) filter (where p.purpose = 'index') as indexes, sum(p.bytes) filter (where p.purpose = 'toast') as toast
  from piece p group by p.owner
),
part (root, leaf) as (
  select c.oid, c.oid from pg_class c where c.relkind in ('r', 'm', 'p')
  union all
  select p.root, i.inhrelid from part p
  join pg_class r on r.oid = p.root and r.relkind = 'p'
  join pg_inherits i on i.inhparent = p.leaf
),
whole as (
  select p.root, sum(o.heap) as heap, sum(o.indexes) as indexes, sum(o.toast) as toast,
    sum(nullif(r.reltuples, -1))::float8 as rows
  from part p join relation r on r.oid = p.leaf join own o on o.oid = p.leaf
  group by p.root
)
select n.nspname::text as schema, c.relname::text as "table",
  case c.relkind when 'r' then 'table' when 'm' then 'materialized view' else 'partitioned table' end as kind,
  case when c.relispartition then (
    select format('%s.%s', pn.nspname, pc.relname)
    from pg_inherits i join pg_class pc on pc.oid = i.inhparent join pg_namespace pn on pn.oid = pc.relnamespace
    where i.inhrelid = c.oid
  ) end as "partitionOf",
  coalesce(s.heap, 0)::float8 as "heapBytes", coalesce(s.indexes, 0)::float8 as "indexBytes",
  coalesce(s.toast, 0)::float8 as "toastBytes",
  (coalesce(s.heap, 0) + coalesce(s.indexes, 0) + coalesce(s.toast, 0))::float8 as "totalBytes", s.rows
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join whole s on s.root = c.oid
where c.relkind in ('r', 'm', 'p') and ${isUsers("n", "c")}
order by "totalBytes" desc, 1, 2`
}

export interface DatabaseSize {
  readonly name: string
  /** Everything in it, Postgres's own catalogs too. */
  readonly bytes: number
}

export const databaseSize: CatalogQuery<DatabaseSize> = {
  name: "database-size",
  sql: () => `select current_database()::text as name, pg_database_size(current_database())::float8 as bytes`
}
