/**
 * Who a session waits for: the chain of `pg_blocking_pids`, which counts the queue as well. Joins over `pg_locks` do
 * not, and name the wrong sessions.
 */
import { sql } from "drizzle-orm"

export interface Blocker extends Record<string, unknown> {
  readonly pid: number
  /** 1 for those it waits for, 2 for those they wait for, … */
  readonly depth: number
  readonly application: string
  /** Null for a role that may not see it. */
  readonly state: string | null
  /** How long its transaction is open. Null when it may not be seen. */
  readonly transactionSeconds: number | null
  /** The strongest table lock it has been granted on a table that is waited for. */
  readonly held: string | null
}

/** Deep enough for a cause; a longer chain is a queue. */
const deepest = 5

export const blockersOf = (pid: number) =>
  sql<Blocker>`
with recursive chain(pid, depth, path) as (
  select b, 1, array[${pid}::int4, b] from unnest(pg_blocking_pids(${pid}::int4)) b
  union all
  select b, depth + 1, path || b from chain cross join lateral unnest(pg_blocking_pids(chain.pid)) b
  where not b = any(path) and depth < ${sql.raw(String(deepest))}
), waited as (
  select distinct relation from pg_locks where not granted and relation is not null
)
select c.pid, min(c.depth)::int4 as depth, coalesce(max(a.application_name), '') as application,
  max(a.state) as state, extract(epoch from now() - max(a.xact_start))::int4 as "transactionSeconds",
  (select max(l.mode || ' on ' || l.relation::regclass::text) from pg_locks l join waited w on w.relation = l.relation
    where l.pid = c.pid and l.granted) as held
from chain c left join pg_stat_activity a on a.pid = c.pid
group by c.pid
order by 2, 1`

/** One line for a log. What a session runs is left out: its text may hold values. */
export const describe = (chain: ReadonlyArray<Blocker>): string =>
  chain.map(({ application, depth, held, pid, state, transactionSeconds }) =>
    [
      `${depth === 1 ? "" : "which waits for "}process ${pid} (${application || "without a name"})`,
      ...(state === null ? [] : [state]),
      ...(transactionSeconds === null ? [] : [`in a transaction for ${transactionSeconds} s`]),
      ...(held === null ? [] : [`holds ${held}`])
    ].join(", ")
  ).join("; ")
