/**
 * The limits that are in force on the very session that asks, and where each comes from: what a client gave at connect,
 * what the role or the database has, or the server's own.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"

export interface SessionLimit {
  readonly name: string
  /** In its unit. */
  readonly value: string
  /** `ms`, `s`, or null for what is counted or switched. */
  readonly unit: string | null
  /** As in `pg_settings`: `default`, `configuration file`, `database`, `user`, `client`, `session`, … */
  readonly source: string
  /** What the role, or the role in this database, was given with ALTER ROLE … SET, in force or not; null without. */
  readonly ofRole: string | null
}

const names = [
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  // From 17 on.
  "transaction_timeout",
  "idle_session_timeout",
  "tcp_keepalives_idle",
  "tcp_keepalives_interval",
  "tcp_keepalives_count",
  "tcp_user_timeout",
  "client_connection_check_interval",
  "default_transaction_read_only"
]

export const sessionLimits: CatalogQuery<SessionLimit> = {
  name: "session-limits",
  // The role that logged in: SET ROLE brings no settings with it.
  sql: () => `
select s.name, s.setting as value, s.unit, s.source, (
    select substr(given, length(s.name) + 2)
    from pg_db_role_setting d cross join unnest(d.setconfig) given
    where d.setrole = (select oid from pg_roles where rolname = session_user)
      and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
      and split_part(given, '=', 1) = s.name
    order by d.setdatabase desc limit 1
  ) as "ofRole"
from pg_settings s
where s.name in (${names.map((name) => `'${name}'`).join()})
order by s.name`
}
