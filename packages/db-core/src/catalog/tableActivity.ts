/**
 * What happens to each table: how it is read, what is written to it, how many of its rows are dead, and when it was
 * last vacuumed and analysed. Counted since the statistics began.
 *
 * An update that finds room on its row's own page and changes no indexed column is a HOT update: it leaves the indexes
 * alone. One that has to go to another page (counted from Postgres 16 on) tells of a table that needs a lower
 * `fillfactor`, not of an index too many.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { observedSince } from "./ObservedWindow.ts"
import { isoInstant } from "./ServerFacts.ts"
import { isUsers } from "./UserRelation.ts"

export interface TableActivity {
  readonly schema: string
  readonly table: string
  readonly sequentialScans: number
  readonly sequentialRows: number
  /** ISO instant; null when there was none, and before Postgres 16. */
  readonly lastSequentialScan: string | null
  readonly indexScans: number
  readonly indexRows: number
  readonly inserts: number
  readonly updates: number
  readonly deletes: number
  /** Share of the updates that left the indexes alone; null without updates. */
  readonly hotShare: number | null
  /** Share of the updates whose row went to another page; null without updates, and before Postgres 16. */
  readonly newPageShare: number | null
  readonly liveRows: number
  readonly deadRows: number
  /** ISO instants, the later of the automatic and the asked for. */
  readonly lastVacuum: string | null
  readonly lastAnalyze: string | null
  readonly isLastVacuumAutomatic: boolean | null
  readonly isLastAnalyzeAutomatic: boolean | null
  readonly vacuums: number
  readonly analyzes: number
  /** Share of the blocks of rows, indexes and TOAST that were in `shared_buffers`; null when none was read. */
  readonly cacheHitRatio: number | null
  /** ISO instant since which all this is counted. */
  readonly observedSince: string | null
}

export const tableActivity: CatalogQuery<TableActivity> = {
  name: "table-activity",
  sql: (server) => `
select s.schemaname::text as schema, s.relname::text as "table",
  s.seq_scan::float8 as "sequentialScans", s.seq_tup_read::float8 as "sequentialRows",
  ${server.version >= 160_000 ? isoInstant("s.last_seq_scan") : "null::text"} as "lastSequentialScan",
  coalesce(s.idx_scan, 0)::float8 as "indexScans", coalesce(s.idx_tup_fetch, 0)::float8 as "indexRows",
  s.n_tup_ins::float8 as inserts, s.n_tup_upd::float8 as updates, s.n_tup_del::float8 as deletes,
  s.n_tup_hot_upd::float8 / nullif(s.n_tup_upd, 0) as "hotShare",
  ${
    server.version >= 160_000
      ? "s.n_tup_newpage_upd::float8 / nullif(s.n_tup_upd, 0)"
      : "null::float8"
  } as "newPageShare",
  s.n_live_tup::float8 as "liveRows", s.n_dead_tup::float8 as "deadRows",
  ${isoInstant("greatest(s.last_vacuum, s.last_autovacuum)")} as "lastVacuum",
  ${isoInstant("greatest(s.last_analyze, s.last_autoanalyze)")} as "lastAnalyze",
  case when greatest(s.last_vacuum, s.last_autovacuum) is not null
    then s.last_autovacuum is not distinct from greatest(s.last_vacuum, s.last_autovacuum) end as "isLastVacuumAutomatic",
  case when greatest(s.last_analyze, s.last_autoanalyze) is not null
    then s.last_autoanalyze is not distinct from greatest(s.last_analyze, s.last_autoanalyze) end as "isLastAnalyzeAutomatic",
  (s.vacuum_count + s.autovacuum_count)::float8 as vacuums, (s.analyze_count + s.autoanalyze_count)::float8 as analyzes,
  io.hits / nullif(io.hits + io.reads, 0) as "cacheHitRatio",
  ${isoInstant(observedSince(server))} as "observedSince"
from pg_stat_all_tables s
join pg_class c on c.oid = s.relid
join pg_namespace n on n.oid = c.relnamespace
left join lateral (
  select (b.heap_blks_hit + coalesce(b.idx_blks_hit, 0) + coalesce(b.toast_blks_hit, 0) + coalesce(b.tidx_blks_hit, 0))::float8 as hits,
    (b.heap_blks_read + coalesce(b.idx_blks_read, 0) + coalesce(b.toast_blks_read, 0) + coalesce(b.tidx_blks_read, 0))::float8 as reads
  from pg_statio_all_tables b where b.relid = s.relid
) io on true
where c.relkind in ('r', 'm') and ${isUsers("n", "c")}
order by s.seq_tup_read + coalesce(s.idx_tup_fetch, 0) desc, 1, 2`
}
