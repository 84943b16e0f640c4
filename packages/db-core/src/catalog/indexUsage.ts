/**
 * Every index: how big it is, how often it was read since the statistics began, what keeping it costs, and why it must
 * stay even if nobody reads it.
 *
 * A partitioned index has no rows of its own and no counters: it is shown with the sums of its parts, and each part
 * says whose part it is.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { indexesForeignKey } from "./ForeignKeyIndex.ts"
import { isoInstant } from "./ServerFacts.ts"
import { bytesOf, isUsers, whenOpen } from "./UserRelation.ts"

/** Why an index is needed although no scan of it is counted. */
export type KeepReason =
  | "primary key"
  /** A unique or exclusion constraint. */
  | "constraint"
  /** It keeps values unique without a constraint. */
  | "unique"
  /** Logical replication tells rows apart by it. */
  | "replica identity"
  /** A foreign key refers to its columns. */
  | "referenced"
  /** It finds the rows that a foreign key refers from. */
  | "foreign key"
  /** A part of a partitioned index: it goes with the whole. */
  | "partition"
  /** CLUSTER orders the table by it. */
  | "cluster"
  /** ANALYZE keeps statistics of its expression, which the planner uses without a scan of it. */
  | "expression statistics"

export interface IndexUsage {
  readonly schema: string
  readonly table: string
  readonly name: string
  /** Such as `btree`. */
  readonly method: string
  /** Null while its table is locked exclusively. */
  readonly definition: string | null
  readonly bytes: number
  /**
   * Since the statistics began. Some that no query ran are in it: to estimate a range beyond what ANALYZE saw, the
   * planner looks up the smallest or largest key, and that counts as a scan.
   */
  readonly scans: number
  /** ISO instant; null when there was none, and before Postgres 16. */
  readonly lastScan: string | null
  /** Entries that scans returned. */
  readonly entriesRead: number
  /** Live rows that plain index scans fetched with them. */
  readonly rowsFetched: number
  /** Rows written to its table that had to be entered here: inserts, and updates that were not HOT. */
  readonly writes: number
  readonly isValid: boolean
  readonly isUnique: boolean
  readonly isPartitioned: boolean
  /** The partitioned index whose part it is, as `schema.name`. */
  readonly partOf: string | null
  /** Empty when nothing but reads speaks for it. */
  readonly keep: ReadonlyArray<KeepReason>
}

export const indexUsage: CatalogQuery<IndexUsage> = {
  name: "index-usage",
  sql: (server) => `
with recursive part (root, leaf) as (
  select i.indexrelid, i.indexrelid from pg_index i
  union all
  select p.root, h.inhrelid from part p join pg_inherits h on h.inhparent = p.leaf
),
whole as (
  select p.root, sum(${bytesOf("x")}) as bytes, sum(s.idx_scan) as scans,
    ${server.version >= 160_000 ? "max(s.last_idx_scan)" : "null"} as last, sum(s.idx_tup_read) as read,
    sum(s.idx_tup_fetch) as fetched, sum(w.n_tup_ins + w.n_tup_upd - w.n_tup_hot_upd) as writes
  from part p
  join pg_class x on x.oid = p.leaf and x.relkind = 'i'
  join pg_stat_all_indexes s on s.indexrelid = p.leaf
  join pg_stat_all_tables w on w.relid = s.relid
  group by p.root
)
select n.nspname::text as schema, t.relname::text as "table", c.relname::text as name, am.amname::text as method,
  ${whenOpen("i.indrelid", "pg_get_indexdef(i.indexrelid)")} as definition,
  coalesce(u.bytes, 0)::float8 as bytes, coalesce(u.scans, 0)::float8 as scans,
  ${server.version >= 160_000 ? isoInstant("u.last") : "null::text"} as "lastScan",
  coalesce(u.read, 0)::float8 as "entriesRead", coalesce(u.fetched, 0)::float8 as "rowsFetched",
  coalesce(u.writes, 0)::float8 as writes,
  i.indisvalid and i.indisready and i.indislive as "isValid",
  i.indisunique as "isUnique",
  c.relkind = 'I' as "isPartitioned",
  (
    select format('%s.%s', pn.nspname, pc.relname)
    from pg_inherits h join pg_class pc on pc.oid = h.inhparent join pg_namespace pn on pn.oid = pc.relnamespace
    where h.inhrelid = i.indexrelid
  ) as "partOf",
  array_remove(array[
    case when i.indisprimary then 'primary key' end,
    case when not i.indisprimary and exists (
      select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('u', 'x')
    ) then 'constraint' end,
    case when i.indisunique and not exists (
      select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
    ) then 'unique' end,
    case when i.indisreplident then 'replica identity' end,
    case when exists (
      select from pg_constraint f where f.contype = 'f' and f.conindid = i.indexrelid
    ) then 'referenced' end,
    case when exists (
      select from pg_constraint f where f.contype = 'f' and ${indexesForeignKey("i", "f")}
    ) then 'foreign key' end,
    case when c.relispartition then 'partition' end,
    case when i.indisclustered then 'cluster' end,
    case when i.indexprs is not null then 'expression statistics' end
  ], null) as keep
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_am am on am.oid = c.relam
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = t.relnamespace
left join whole u on u.root = i.indexrelid
where ${isUsers("n", "t")} and t.relkind in ('r', 'm', 'p')
order by 1, 2, 3`
}
