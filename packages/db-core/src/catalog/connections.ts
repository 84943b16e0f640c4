/**
 * Who has how many connections, and how many there may be: of the server, of each role and of each database that has
 * a limit of its own.
 *
 * Only client sessions count: standbys, autovacuum and other processes have slots of their own. What is reserved for
 * superusers, and from 16 on for `pg_use_reserved_connections`, nobody else gets.
 */
import { sessionNotes } from "./ActivityText.ts"
import { type CatalogQuery, needsSessions } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { elapsedMs } from "./Elapsed.ts"
import { type FindingObject, manual } from "./Finding.ts"

export interface Connections {
  readonly database: string | null
  readonly user: string | null
  readonly application: string
  /** Null where this role may not see it. */
  readonly state: string | null
  readonly count: number
  /** Since the state of the one that changed it last, and first. */
  readonly newestStateMs: number | null
  readonly oldestStateMs: number | null
}

export const connections: CatalogQuery<Connections> = {
  name: "connections",
  unavailable: needsSessions,
  notes: sessionNotes,
  sql: () => `
select datname::text as database, usename::text as "user", coalesce(application_name, '') as application, state,
  count(*)::int4 as count, ${elapsedMs("max(state_change)")} as "newestStateMs",
  ${elapsedMs("min(state_change)")} as "oldestStateMs"
from pg_stat_activity
-- A role without pg_read_all_stats sees no other role's kind of process, but that it has a database and a user.
where coalesce(backend_type = 'client backend', datid is not null and usesysid is not null)
group by 1, 2, 3, 4
order by count(*) desc, 1, 2, 3, 4`
}

export interface ConnectionLimit {
  readonly kind: "server" | "role" | "database"
  /** Empty for the server. */
  readonly name: string
  readonly used: number
  /** For ordinary roles. */
  readonly limit: number
  /** Of the server's: kept for superusers and for roles with `pg_use_reserved_connections`. */
  readonly reserved: number
}

export const connectionLimits: CatalogQuery<ConnectionLimit> = {
  name: "connection-limits",
  unavailable: needsSessions,
  sql: () => `
with clients as (
  select datid, usesysid from pg_stat_activity
  where coalesce(backend_type = 'client backend', datid is not null and usesysid is not null)
),
reserved as (
  select current_setting('superuser_reserved_connections')::int4
    + coalesce(current_setting('reserved_connections', true), '0')::int4 as count
)
select 'server' as kind, '' as name, (select count(*) from clients)::int4 as used,
  current_setting('max_connections')::int4 - r.count as "limit", r.count as reserved
from reserved r
union all
select 'role', o.rolname::text, (select count(*) from clients c where c.usesysid = o.oid)::int4, o.rolconnlimit, 0
from pg_roles o where o.rolconnlimit >= 0 and not o.rolsuper and o.rolcanlogin
union all
select 'database', d.datname::text, (select count(*) from clients c where c.datid = d.oid)::int4, d.datconnlimit, 0
from pg_database d where d.datconnlimit >= 0
order by 1, 2`
}

const source = "temBoard, doc/alerting.md: 80 and 90 % of what is allowed"

const objectOf = ({ kind, name }: ConnectionLimit): FindingObject =>
  kind === "server"
    ? { kind: "server", name: "max_connections" }
    : { kind: kind === "role" ? "setting" : "database", name: kind === "role" ? `role ${name}` : name }

export const connectionLimitCheck = checkOf({
  name: "connection-limit",
  title: "Room for more connections",
  query: connectionLimits,
  thresholds: {
    warn: { value: 0.8, unit: "ratio", source },
    error: { value: 0.9, unit: "ratio", source }
  },
  judge: (rows, { limit }) =>
    rows.flatMap((row) => {
      const share = row.limit === 0 ? 1 : row.used / row.limit
      // A limit of 0 keeps everybody out on purpose.
      if (row.limit === 0 || share < limit("warn")) return []
      return [{
        severity: share >= limit("error") ? "error" : "warn",
        object: objectOf(row),
        summary: `${row.used} of ${row.limit} connections${
          row.kind === "server" ? "" : ` of ${row.kind} ${row.name}`
        } are taken`,
        evidence: { used: row.used, limit: row.limit, reserved: row.reserved, share },
        impact: "At the limit the server refuses everybody else, health checks and maintenance included",
        remediation: null,
        documentation: manual("runtime-config-connection.html#GUC-MAX-CONNECTIONS")
      }]
    })
})
