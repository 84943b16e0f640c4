/**
 * Who waits for whose locks: the rows of it, as Postgres itself says.
 *
 * `pg_blocking_pids` is the truth, joins over `pg_locks` are not: it knows which modes conflict, counts those who wait
 * in front, and names the leader for what its parallel workers hold. It stops the lock manager for a moment, so it is
 * asked once for each that waits. Who waits is told by `pg_locks`, which every role sees; a leader whose worker waits
 * for a lock waits itself for the worker.
 *
 * A prepared transaction has no process and comes as 0. Which one it is say the locks: the one it holds on what is
 * waited for.
 */
import { activityText, sessionNotes, withoutValues } from "./ActivityText.ts"
import { type Blocking, type BlockingTree, forestOf } from "./BlockingTrees.ts"
import { type CatalogQuery, needsSessions } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { elapsedMs, inWords, minutes } from "./Elapsed.ts"
import { manual } from "./Finding.ts"
import { literal } from "./Literal.ts"
import { conflictingWith, lockModes } from "./LockConflicts.ts"

/** The modes that the one of `mode` waits for. */
const conflicting = (mode: string): string =>
  `case ${mode}\n${
    lockModes.map((name) => `        when '${name}Lock' then array[${conflictingWith(name).join()}]`).join("\n")
  }\n      end`

export const blockingForest: CatalogQuery<Blocking> = {
  name: "blocking-forest",
  unavailable: needsSessions,
  notes: sessionNotes,
  sql: () => `
with locks as materialized (select * from pg_locks),
-- Of a leader and its workers one row: the lock that is waited for the longest.
waiting as materialized (
  select distinct on (coalesce(a.leader_pid, l.pid)) coalesce(a.leader_pid, l.pid) as leader, l.*
  from locks l left join pg_stat_activity a on a.pid = l.pid
  where not l.granted and l.pid is not null
  order by coalesce(a.leader_pid, l.pid), l.waitstart
),
waiters as materialized (
  select w.*, array(select distinct b from unnest(pg_blocking_pids(w.pid)) b order by b) as blockers from waiting w
),
blocked as (select * from waiters where cardinality(blockers) > 0),
-- What prepared transactions hold: their locks have no process, and one of them is on their own transaction.
prepared as materialized (
  select h.*, p.gid from pg_prepared_xacts p
  join locks x on x.transactionid = p.transaction and x.pid is null and x.locktype = 'transactionid'
  join locks h on h.virtualtransaction = x.virtualtransaction and h.pid is null and h.granted
),
members as (select leader as pid from blocked union select unnest(blockers) from blocked)
select m.pid,
  coalesce(b.blockers, '{}') as "blockedBy",
  case when 0 = any (b.blockers) then array(
    select distinct h.gid from prepared h
    where h.mode = any (${conflicting("b.mode")})
      and (h.locktype, h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
        is not distinct from
        (b.locktype, b.database, b.relation, b.page, b.tuple, b.virtualxid, b.transactionid, b.classid, b.objid, b.objsubid)
    order by h.gid
  ) else '{}' end as "blockedByPrepared",
  a.backend_type as "backendType", a.datname::text as database, a.usename::text as "user",
  a.application_name as application, a.state,
  b.mode as "lockMode", b.locktype as "lockType",
  (
    select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = coalesce(b.relation, t.relation)
      and coalesce(b.database, t.database) in (0, (select oid from pg_database where datname = current_database()))
  ) as "lockObject",
  ${elapsedMs("b.waitstart")} as "waitedMs", ${elapsedMs("a.xact_start")} as "transactionMs",
  ${elapsedMs("a.state_change")} as "stateMs", ${activityText("a")} as query
from members m
left join blocked b on b.leader = m.pid
left join pg_stat_activity a on a.pid = m.pid
-- Who waits for the end of a transaction because of a row has that row's lock.
left join lateral (
  select relation, database from locks t where t.pid = b.pid and t.granted and t.locktype = 'tuple' limit 1
) t on b.locktype = 'transactionid'
order by m.pid`,
  shown: withoutValues
}

const rootName = ({ session }: BlockingTree, prepared: ReadonlyArray<string>): string =>
  session.pid === 0 ? `prepared transaction ${prepared.join(", ")}` : String(session.pid)

/** Cancelling ends a statement; who is idle in a transaction has none, and keeps its locks. */
const ending = ({ pid, state }: Blocking, prepared: ReadonlyArray<string>): string =>
  pid === 0
    ? prepared.map((gid) => `rollback prepared ${literal(gid)};`).join("\n")
    : state === "active"
    ? `select pg_cancel_backend(${pid});`
    : `select pg_terminate_backend(${pid});`

const longestWait = ({ children, session }: BlockingTree): number =>
  Math.max(session.waitedMs ?? 0, ...children.map(longestWait))

export const blockedSessionCheck = checkOf({
  name: "blocked-session",
  title: "Sessions that wait for others' locks",
  query: blockingForest,
  thresholds: {
    warn: { value: minutes(5), unit: "ms", source: "pganalyze, check \"Blocking queries\"" },
    error: { value: minutes(10), unit: "ms", source: "pganalyze, check \"Blocking queries\"" },
    victims: { value: 3, unit: "count", source: "pganalyze, check \"Blocking queries\"" }
  },
  judge: (rows, { limit }) => {
    const prepared = [...new Set(rows.flatMap((row) => row.blockedByPrepared))].toSorted()
    return forestOf(rows).roots.flatMap((root) => {
      const { session, victims } = root
      const waitedMs = longestWait({ ...root, session: { ...session, waitedMs: null } })
      if (waitedMs < limit("warn") && victims < limit("victims")) return []
      const name = rootName(root, prepared)
      return [{
        severity: waitedMs >= limit("error") ? "error" : "warn",
        object: { kind: "session", name },
        summary: `${victims} ${victims === 1 ? "session waits" : "sessions wait"} for ${
          session.pid === 0 ? name : `session ${name}`
        }, the longest for ${inWords(waitedMs)}`,
        evidence: {
          victims,
          waitedMs,
          transactionMs: session.transactionMs,
          state: session.state,
          user: session.user,
          application: session.application,
          lockObject: root.children[0]?.session.lockObject ?? null,
          lockMode: root.children[0]?.session.lockMode ?? null,
          query: session.query
        },
        impact: session.pid === 0
          ? "They wait until it is committed or rolled back, which only its coordinator can know"
          : "They wait until its transaction ends, and each holds a connection meanwhile",
        remediation: ending(session, prepared),
        documentation: manual("explicit-locking.html")
      }]
    })
  }
})
