/**
 * Who keeps VACUUM from removing dead rows, of all five kinds, oldest first. What died after the oldest of them began
 * stays, however often VACUUM runs.
 *
 * - A session holds with its snapshot or its own transaction. Those of another database hold back only the tables
 *   that all databases share; those that VACUUM or build an index hold nothing, and a walsender is its standby's.
 * - A replication slot holds all rows for its standby (`xmin`), or the system catalogs for its decoder (`catalog_xmin`).
 * - A prepared transaction holds until somebody ends it, over restarts too.
 * - A standby with `hot_standby_feedback` holds for its queries, through its slot where it has one.
 */
import { sessionNotes } from "./ActivityText.ts"
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf, type Threshold } from "./Check.ts"
import { elapsedMs, inWords } from "./Elapsed.ts"
import { type FindingObject, manual } from "./Finding.ts"
import { literal } from "./Literal.ts"

export interface XminHolder {
  readonly kind: "session" | "slot" | "slot-catalog" | "prepared" | "standby"
  /** The process of a session, the name of a slot, a prepared transaction or a standby. */
  readonly name: string
  readonly database: string | null
  /** The session's state, the slot's plugin, the prepared transaction's owner, the standby's state. */
  readonly detail: string | null
  /** Transactions begun since. */
  readonly age: number
  /** How long it has held; null where Postgres does not record it: slots before 17, and standbys. */
  readonly heldMs: number | null
  /** In another database: of this one it holds nothing back. */
  readonly isElsewhere: boolean
}

export const xminHorizon: CatalogQuery<XminHolder> = {
  name: "xmin-horizon",
  notes: sessionNotes,
  sql: ({ version }) => `
select h.*, h.database is distinct from current_database()::text and h.database is not null
  and h.kind in ('session', 'prepared') as "isElsewhere"
from (
  select 'session' as kind, a.pid::text as name, a.datname::text as database, a.state as detail,
    greatest(age(a.backend_xmin), age(a.backend_xid))::float8 as age, ${elapsedMs("a.xact_start")} as "heldMs"
  from pg_stat_activity a
  where a.pid <> pg_backend_pid() and a.leader_pid is null and (a.backend_xmin is not null or a.backend_xid is not null)
    and a.backend_type is distinct from 'walsender'
    and not exists (select from pg_stat_progress_vacuum v where v.pid = a.pid)
  union all
  select 'slot', s.slot_name::text, s.database::text, s.plugin::text, age(s.xmin)::float8,
    ${version >= 170_000 ? elapsedMs("s.inactive_since") : "null::float8"}
  from pg_replication_slots s where s.xmin is not null
  union all
  select 'slot-catalog', s.slot_name::text, s.database::text, s.plugin::text, age(s.catalog_xmin)::float8,
    ${version >= 170_000 ? elapsedMs("s.inactive_since") : "null::float8"}
  from pg_replication_slots s where s.catalog_xmin is not null
  union all
  select 'prepared', p.gid, p.database::text, p.owner::text, age(p.transaction)::float8, ${elapsedMs("p.prepared")}
  from pg_prepared_xacts p
  union all
  select 'standby', coalesce(r.application_name, ''), null, r.state, age(r.backend_xmin)::float8, null::float8
  from pg_stat_replication r where r.backend_xmin is not null
) h
order by h.age desc, h.kind, h.name`
}

const objectKind: Readonly<Record<XminHolder["kind"], FindingObject["kind"]>> = {
  session: "session",
  slot: "slot",
  "slot-catalog": "slot",
  prepared: "session",
  standby: "server"
}

const names: Readonly<Record<XminHolder["kind"], string>> = {
  session: "session",
  slot: "replication slot",
  "slot-catalog": "replication slot",
  prepared: "prepared transaction",
  standby: "standby"
}

const mending = ({ kind, name }: XminHolder): string | null => {
  switch (kind) {
    case "session":
      return `select pg_terminate_backend(${name});`
    case "slot":
    case "slot-catalog":
      return `select pg_drop_replication_slot(${literal(name)});`
    case "prepared":
      return `rollback prepared ${literal(name)};`
    case "standby":
      return null
  }
}

const freezing: Threshold = {
  value: 50_000_000,
  unit: "count",
  source: "Postgres, the default of vacuum_freeze_min_age: from there on VACUUM would freeze rows, and cannot"
}

export const xminHorizonCheck = checkOf({
  name: "xmin-horizon",
  title: "What keeps VACUUM from removing dead rows",
  query: xminHorizon,
  thresholds: {
    held: { value: 86_400_000, unit: "ms", source: "pganalyze, check \"Xmin horizon\": more than 24 hours" },
    transactions: freezing,
    error: {
      value: 200_000_000,
      unit: "count",
      source: "Postgres, the default of autovacuum_freeze_max_age: VACUUM against wraparound runs, and cannot help"
    }
  },
  judge: (rows, { limit }) =>
    rows.flatMap((row) => {
      const { age, database, detail, heldMs, isElsewhere, kind, name } = row
      if (isElsewhere || ((heldMs ?? 0) < limit("held") && age < limit("transactions"))) return []
      return [{
        severity: age >= limit("error") ? "error" : "warn",
        object: { kind: objectKind[kind], name },
        key: [kind],
        summary: `${names[kind]} ${name} holds back VACUUM${kind === "slot-catalog" ? " of the system catalogs" : ""}${
          heldMs === null ? "" : ` for ${inWords(heldMs)}`
        }: ${age} transactions`,
        evidence: { kind, transactions: age, heldMs, database, detail },
        impact: "Rows that died since stay in tables and indexes: they grow, and queries read more",
        remediation: mending(row),
        documentation: manual("routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY")
      }]
    })
})
