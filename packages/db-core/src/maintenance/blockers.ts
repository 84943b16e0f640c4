/**
 * Who is in the way: sessions that hold a lock which a statement on a table has to wait for, and transactions that may
 * still look at rows as they were.
 *
 * Of one that waits already `pg_blocking_pids` is asked: joins over `pg_locks` answer wrongly when waiters queue. Before
 * one waits there is nobody to ask for, and `pg_locks` is compared with the lock that would be asked for.
 */
import { activityText, withoutValues } from "../catalog/ActivityText.ts"
import { conflictingWith, type TableLockMode } from "../catalog/LockConflicts.ts"
import { isoInstant } from "../catalog/ServerFacts.ts"
import type { Blocker } from "./MaintenanceError.ts"

/** As in `LOCK TABLE`. */
export type LockLevel = Extract<TableLockMode, "ShareUpdateExclusive" | "Share" | "AccessExclusive">

/** What a concurrent statement waits for besides its own lock: transactions that began before it. */
export interface Waits {
  readonly level: LockLevel
  /** Holders of which locks on the table have to end first: writers for CREATE INDEX, everybody for DROP INDEX. */
  readonly holdersOf: LockLevel | undefined
  /** Every transaction with an older snapshot has to end first. */
  readonly snapshots: boolean
}

export interface BlockerRow extends Omit<Blocker, "query"> {
  readonly tableOid: number
  readonly query: string | null
  /** The transaction: another one of the same session is not in the way. */
  readonly transaction: string | null
}

const session = `a.pid, a.usename::text as "user", a.application_name::text as application, a.state,
  ${isoInstant("a.xact_start")} as since, ${activityText("a")} as query`

/** With two parameters: oids of tables and process ids of ours, both comma separated. */
export const blockersSql = ({ holdersOf, level, snapshots }: Waits): string => `
with mine as (select unnest(string_to_array($2::text, ',')::int4[]) as pid)
select l.relation::int8::float8 as "tableOid", 'lock' as holds, l.virtualtransaction as transaction, ${session}
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'relation' and l.granted and l.database = (select oid from pg_database where datname = current_database())
  and l.relation = any(string_to_array($1::text, ',')::oid[])
  and l.mode in (${
  [...new Set([...conflictingWith(level), ...holdersOf === undefined ? [] : conflictingWith(holdersOf)])].join()
})
  and l.pid <> pg_backend_pid() and l.pid not in (select pid from mine)
  and not exists (select from pg_stat_progress_vacuum v where v.pid = l.pid and a.backend_type = 'autovacuum worker')
${
  snapshots
    ? `union all
select 0, 'snapshot', l.virtualtransaction, ${session}
from pg_stat_activity a join pg_locks l on l.pid = a.pid and l.locktype = 'virtualxid' and l.granted
where a.datname = current_database() and a.backend_xmin is not null and a.backend_type = 'client backend'
  and a.pid <> pg_backend_pid() and a.pid not in (select pid from mine)
  and not exists (select from pg_stat_progress_vacuum v where v.pid = a.pid)
  and not exists (select from pg_stat_progress_create_index b where b.pid = a.pid)`
    : ""
}`

/** With one parameter: process ids, comma separated. Who blocks each of them that waits for a lock. */
export const blockingSql = `
select w.pid as waiter, 'lock' as holds, ${session}
from pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) b(pid) join pg_stat_activity a on a.pid = b.pid
where w.pid = any(string_to_array($1::text, ',')::int4[]) and w.wait_event_type = 'Lock'`

/** Each session once, as it may be shown: what it runs has no values. */
export const asBlockers = (
  rows: ReadonlyArray<Omit<BlockerRow, "tableOid" | "transaction">>
): ReadonlyArray<Blocker> => {
  const found = new Map<number, Blocker>()
  for (const row of rows) {
    const { application, holds, pid, query, since, state, user } = withoutValues(row)
    if (!found.has(pid)) found.set(pid, { pid, user, application, state, since, query, holds })
  }
  return [...found.values()]
}
