/**
 * The server and who works in it at one instant, in one row: what a live view asks for again and again.
 *
 * One statement, so that all of it is of the same instant, and one round trip. Counters are those of the database since
 * the statistics began: two samples make a rate, one makes none. What grows with the number of sessions is counted by
 * the server, and of those at work the first 200 come.
 */
import { activityText, sessionNotes, withoutValues } from "./ActivityText.ts"
import { blockingForest } from "./blockingForest.ts"
import type { Blocking } from "./BlockingTrees.ts"
import type { CatalogQuery } from "./CatalogQuery.ts"
import { elapsedMs } from "./Elapsed.ts"
import { isoInstant } from "./ServerFacts.ts"

/** Sessions of one sample, at most. */
const mostSessions = 200

/** Characters of a statement: a server may keep a megabyte of each. */
const mostText = 2000

/** A session at work, in a transaction, or waiting for a lock. Never the one that asks. */
export interface SampledSession {
  readonly pid: number
  /** Null where this role may not see it, as are state, waits and times. */
  readonly backendType: string | null
  readonly database: string | null
  readonly user: string | null
  readonly application: string
  readonly state: string | null
  readonly waitEventType: string | null
  readonly waitEvent: string | null
  /** Since the statement that runs began; null when none runs. */
  readonly queryMs: number | null
  readonly transactionMs: number | null
  /** Parallel workers that work for it now. */
  readonly workers: number
  /** Its normal form. */
  readonly query: string | null
}

export interface ServerSample {
  /** By the server's clock: ISO instant, and milliseconds since the epoch. */
  readonly timestamp: string
  readonly sampledMs: number
  readonly database: string
  /** ISO instant. */
  readonly startedAt: string
  readonly uptimeMs: number
  readonly isStandby: boolean
  /** When the counters began; null when nobody noted it. Another one than before: they began anew. */
  readonly statisticsSince: string | null
  readonly commits: number
  readonly rollbacks: number
  /** Live rows that sequential scans read, and entries that index scans returned: `tup_returned`. */
  readonly rowsRead: number
  readonly rowsInserted: number
  readonly rowsUpdated: number
  readonly rowsDeleted: number
  readonly blocksHit: number
  readonly blocksRead: number
  readonly temporaryBytes: number
  /** Where the log of the whole server ends; of a standby, how far it is replayed. Null without either. */
  readonly walBytes: number | null
  /** Of clients, and how many of those there may be, with what is reserved. */
  readonly connections: number
  readonly maxConnections: number
  readonly reservedConnections: number
  /** Other clients by what they do, the most first; state null for those that this role may not see. */
  readonly states: ReadonlyArray<{ readonly state: string | null; readonly count: number }>
  /** What those at work wait for, the most first. */
  readonly waits: ReadonlyArray<{ readonly type: string; readonly event: string; readonly count: number }>
  /** The longest transaction first; all of them are counted in `sessionCount`. */
  readonly sessions: ReadonlyArray<SampledSession>
  readonly sessionCount: number
  /** Rows for `forestOf`. */
  readonly blocking: ReadonlyArray<Blocking>
}

export const serverSample: CatalogQuery<ServerSample> = {
  name: "server-sample",
  notes: sessionNotes,
  sql: (server) => `
with session as materialized (
  select a.*,
    -- A role without pg_read_all_stats sees no other role's kind of process, but that it has a database and a user.
    coalesce(a.backend_type = 'client backend', a.datid is not null and a.usesysid is not null) as is_client,
    a.state <> 'idle' and a.state <> 'disabled' and a.backend_type <> 'walsender' as is_at_work
  from pg_stat_activity a
),
-- Seen by every role, unlike states.
blocked as materialized (select distinct l.pid from pg_locks l where not l.granted and l.pid is not null),
working as materialized (
  select s.* from session s
  where s.pid <> pg_backend_pid() and (s.is_at_work or s.pid in (select pid from blocked)) and s.leader_pid is null
),
shown as (
  select w.pid, w.backend_type as "backendType", w.datname::text as database, w.usename::text as "user",
    coalesce(w.application_name, '') as application, w.state, w.wait_event_type as "waitEventType",
    w.wait_event as "waitEvent", case when w.state = 'active' then ${elapsedMs("w.query_start")} end as "queryMs",
    ${elapsedMs("w.xact_start")} as "transactionMs",
    (select count(*) from session p where p.leader_pid = w.pid)::int4 as workers,
    left(${activityText("w")}, ${mostText}) as query
  from working w
  order by w.xact_start, w.query_start, w.pid
  limit ${mostSessions}
),
state_count as (
  select state, count(*)::int4 as count from session
  where is_client and pid <> pg_backend_pid() group by state order by count(*) desc, state
),
wait_count as (
  select wait_event_type as type, wait_event as event, count(*)::int4 as count
  from session
  -- Processes of the server wait most of the time, for something to do.
  where pid <> pg_backend_pid() and wait_event is not null
    and case when state is null then wait_event_type in ('IO', 'LWLock', 'Lock', 'BufferPin', 'IPC')
      else state = 'active' and wait_event_type <> 'Activity' and backend_type <> 'walsender' end
  group by 1, 2
  order by count(*) desc, 1, 2
  limit 20
)
select ${isoInstant("clock_timestamp()")} as timestamp,
  (extract(epoch from clock_timestamp()) * 1000)::float8 as "sampledMs",
  current_database()::text as database, ${isoInstant("pg_postmaster_start_time()")} as "startedAt",
  ${elapsedMs("pg_postmaster_start_time()")} as "uptimeMs", pg_is_in_recovery() as "isStandby",
  ${isoInstant("d.stats_reset")} as "statisticsSince",
  d.xact_commit::float8 as commits, d.xact_rollback::float8 as rollbacks, d.tup_returned::float8 as "rowsRead",
  d.tup_inserted::float8 as "rowsInserted", d.tup_updated::float8 as "rowsUpdated",
  d.tup_deleted::float8 as "rowsDeleted", d.blks_hit::float8 as "blocksHit", d.blks_read::float8 as "blocksRead",
  d.temp_bytes::float8 as "temporaryBytes",
  pg_wal_lsn_diff(
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end, '0/0'
  )::float8 as "walBytes",
  (select count(*) from session where is_client)::int4 as connections,
  current_setting('max_connections')::int4 as "maxConnections",
  current_setting('superuser_reserved_connections')::int4
    + coalesce(current_setting('reserved_connections', true), '0')::int4 as "reservedConnections",
  (select coalesce(json_agg(c), '[]') from state_count c) as states,
  (select coalesce(json_agg(w), '[]') from wait_count w) as waits,
  (select coalesce(json_agg(s), '[]') from shown s) as sessions,
  (select count(*) from working)::int4 as "sessionCount",
  ${
    server.backend === "embedded"
      ? "'[]'::json"
      : `(select coalesce(json_agg(b), '[]') from (${blockingForest.sql(server)}) b)`
  } as blocking
from pg_stat_database d
where d.datname = current_database()`,
  shown: (row) => ({
    ...row,
    sessions: row.sessions.map(withoutValues),
    blocking: row.blocking.map(withoutValues)
  })
}
