/**
 * Who is connected and what they do: every session and background process of the server.
 *
 * The statement is shown without its values. An address is shown where Postgres shows it to this role.
 */
import { activityText, sessionNotes, withoutValues } from "./ActivityText.ts"
import { type CatalogQuery, needsSessions } from "./CatalogQuery.ts"
import { elapsedMs } from "./Elapsed.ts"
import { isoInstant } from "./ServerFacts.ts"

export interface Activity {
  readonly pid: number
  /** The leader's process, of a parallel worker. */
  readonly leaderPid: number | null
  /** As in `pg_stat_activity`: `client backend`, `autovacuum worker`, …; null where this role may not see it. */
  readonly backendType: string | null
  readonly database: string | null
  readonly user: string | null
  readonly application: string
  /** How it is connected; `none` for the server's own processes, and where this role may not see it. */
  readonly client: "network" | "socket" | "none"
  readonly address: string | null
  /** `active`, `idle`, `idle in transaction`, …; null where this role may not see it. */
  readonly state: string | null
  readonly waitEventType: string | null
  readonly waitEvent: string | null
  /** Since the statement that runs, or ran last, began. */
  readonly queryMs: number | null
  readonly transactionMs: number | null
  /** Since the state last changed. */
  readonly stateMs: number | null
  readonly connectedMs: number | null
  /** ISO instant: with `pid` it says which session, as a number alone does not. Null where this role may not see it. */
  readonly backendStart: string | null
  /** It waits for a lock. */
  readonly isBlocked: boolean
  /** The session that asked. */
  readonly isOwn: boolean
  /** As in `pg_stat_statements`. Text: it is a number of 64 bits. */
  readonly queryId: string | null
  /** Its normal form. */
  readonly query: string | null
}

export const activity: CatalogQuery<Activity> = {
  name: "activity",
  unavailable: needsSessions,
  notes: sessionNotes,
  sql: () => `
select a.pid, a.leader_pid as "leaderPid", a.backend_type as "backendType",
  a.datname::text as database, a.usename::text as "user", coalesce(a.application_name, '') as application,
  case when a.client_addr is not null then 'network' when a.client_port = -1 then 'socket' else 'none' end as client,
  host(a.client_addr) as address, a.state, a.wait_event_type as "waitEventType", a.wait_event as "waitEvent",
  ${elapsedMs("a.query_start")} as "queryMs", ${elapsedMs("a.xact_start")} as "transactionMs",
  ${elapsedMs("a.state_change")} as "stateMs", ${elapsedMs("a.backend_start")} as "connectedMs",
  ${isoInstant("a.backend_start")} as "backendStart",
  -- Seen by every role, unlike wait events.
  exists (select from pg_locks l where l.pid = a.pid and not l.granted) as "isBlocked",
  a.pid = pg_backend_pid() as "isOwn", a.query_id::text as "queryId", ${activityText("a")} as query
from pg_stat_activity a
order by a.xact_start, a.backend_start, a.pid`,
  shown: withoutValues
}
