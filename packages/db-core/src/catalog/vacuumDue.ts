/**
 * How far each table is from its next automatic VACUUM and ANALYZE, by the thresholds that autovacuum itself uses:
 * the server's settings, the table's own, those of its TOAST table, and what 18 added.
 *
 * Source: `relation_needs_vacanalyze` in `src/backend/postmaster/autovacuum.c` of Postgres 15 and 18.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { isoInstant } from "./ServerFacts.ts"

export interface VacuumDue {
  readonly schema: string
  readonly table: string
  /** Of its TOAST table, which is vacuumed for itself and never analysed. */
  readonly isToast: boolean
  /** Autovacuum works on it: the server's `autovacuum` and `track_counts`, and the table's `autovacuum_enabled`. */
  readonly isEnabled: boolean
  /** The table itself is not excepted. */
  readonly isEnabledOnTable: boolean
  readonly bytes: number
  readonly rows: number
  readonly deadRows: number
  /** VACUUM comes above it. */
  readonly deadLimit: number
  readonly insertedRows: number
  /** VACUUM comes above it; null where inserts cause none. */
  readonly insertLimit: number | null
  readonly modifiedRows: number
  /** ANALYZE comes above it; null for TOAST. */
  readonly analyzeLimit: number | null
  /** Transactions since its oldest row that is not frozen. */
  readonly xidAge: number
  /** VACUUM against wraparound comes above it, enabled or not. */
  readonly freezeLimit: number
  readonly multixactAge: number
  readonly multixactLimit: number
  /** ISO instants, the later one of the automatic and the asked for; null where none is recorded. */
  readonly lastVacuumAt: string | null
  readonly lastAnalyzeAt: string | null
  /** The phase of a VACUUM that works on it now. */
  readonly phase: string | null
  /** How much of the table that VACUUM has read; null without one. */
  readonly scannedShare: number | null
  /** The last VACUUM came after somebody began to hold its rows, so what was dead then still is. */
  readonly isHeldBack: boolean
}

const option = (alias: string, name: string): string => `(${alias}.options ->> '${name}')`
const setting = (name: string): string => `current_setting('${name}')::float8`

/** The table's own figure where it is one, else the server's. */
const figure = (alias: string, name: string, lowest: number): string =>
  `case when ${option(alias, name)}::float8 >= ${lowest} then ${option(alias, name)}::float8
      else ${setting(name)} end`

export const vacuumDue: CatalogQuery<VacuumDue> = {
  name: "vacuum-due",
  notes: ({ isNeon }) =>
    isNeon ? ["counters of dead, inserted and modified rows begin anew with each start of the compute"] : [],
  sql: ({ version }) => `
with tables as (
  select c.oid, coalesce(m.oid, c.oid) as main, m.oid is not null as toast, c.relkind, c.relpages,
    greatest(c.reltuples, 0)::float8 as tuples, c.relfrozenxid, c.relminmxid,
    ${version >= 180_000 ? "least(c.relallfrozen, c.relpages)" : "0"} as frozen,
    -- Without options of its own a TOAST table follows its table's.
    (select jsonb_object_agg(option_name, option_value)
      from pg_options_to_table(coalesce(c.reloptions, m.reloptions))) as options
  from pg_class c
  left join pg_class m on m.reltoastrelid = c.oid and c.relkind = 't'
  where c.relkind in ('r', 'm', 't') and c.relpersistence <> 't' and (c.relkind <> 't' or m.oid is not null)
),
held as (
  select min(since) as since from (
    select min(xact_start) as since from pg_stat_activity
    where datname = current_database() and (backend_xmin is not null or backend_xid is not null)
      and pid <> pg_backend_pid() and backend_type <> 'walsender' and leader_pid is null
      and pid not in (select pid from pg_stat_progress_vacuum)
    union all
    select min(prepared) from pg_prepared_xacts where database = current_database()
  ) h
),
limits as (
  select t.*,
    ${figure("t", "autovacuum_vacuum_threshold", 0)} + ${figure("t", "autovacuum_vacuum_scale_factor", 0)} * t.tuples
      as dead_uncapped,
    ${
    version >= 180_000 ? `nullif(${figure("t", "autovacuum_vacuum_max_threshold", -1)}, -1)` : "null::float8"
  } as dead_cap,
    nullif(${figure("t", "autovacuum_vacuum_insert_threshold", -1)}, -1)
      + ${figure("t", "autovacuum_vacuum_insert_scale_factor", 0)} * t.tuples
      * (1 - t.frozen::float8 / greatest(t.relpages, 1)) as insert_limit,
    ${figure("t", "autovacuum_analyze_threshold", 0)} + ${figure("t", "autovacuum_analyze_scale_factor", 0)} * t.tuples
      as analyze_limit,
    least(${option("t", "autovacuum_freeze_max_age")}::float8, ${setting("autovacuum_freeze_max_age")}) as freeze_limit,
    least(${option("t", "autovacuum_multixact_freeze_max_age")}::float8,
      ${setting("autovacuum_multixact_freeze_max_age")}) as multixact_limit
  from tables t
)
select n.nspname::text as schema, m.relname::text as "table", l.toast as "isToast",
  current_setting('autovacuum')::bool and current_setting('track_counts')::bool
    and coalesce(${option("l", "autovacuum_enabled")}::bool, true) as "isEnabled",
  coalesce(${option("l", "autovacuum_enabled")}::bool, true) as "isEnabledOnTable",
  l.relpages::float8 * current_setting('block_size')::float8 as bytes, l.tuples as rows,
  coalesce(s.n_dead_tup, 0)::float8 as "deadRows", least(l.dead_uncapped, l.dead_cap) as "deadLimit",
  coalesce(s.n_ins_since_vacuum, 0)::float8 as "insertedRows", l.insert_limit as "insertLimit",
  coalesce(s.n_mod_since_analyze, 0)::float8 as "modifiedRows",
  case when not l.toast then l.analyze_limit end as "analyzeLimit",
  greatest(age(l.relfrozenxid), 0)::float8 as "xidAge", l.freeze_limit as "freezeLimit",
  greatest(mxid_age(l.relminmxid), 0)::float8 as "multixactAge", l.multixact_limit as "multixactLimit",
  ${isoInstant("greatest(s.last_vacuum, s.last_autovacuum)")} as "lastVacuumAt",
  ${isoInstant("greatest(s.last_analyze, s.last_autoanalyze)")} as "lastAnalyzeAt",
  p.phase, p.heap_blks_scanned::float8 / nullif(p.heap_blks_total, 0) as "scannedShare",
  coalesce(greatest(s.last_vacuum, s.last_autovacuum) > h.since and s.n_dead_tup > 0, false) as "isHeldBack"
from limits l
join pg_class m on m.oid = l.main
join pg_namespace n on n.oid = m.relnamespace
cross join held h
left join pg_stat_all_tables s on s.relid = l.oid
left join pg_stat_progress_vacuum p on p.relid = l.oid and p.datname = current_database()
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by coalesce(s.n_dead_tup, 0) / greatest(least(l.dead_uncapped, l.dead_cap), 1) desc, 1, 2, 3`
}
