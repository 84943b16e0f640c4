/**
 * The statements that keep and read the store of statement statistics; `StatementDeltas.ts` says in which order.
 */
import { internalSchema } from "./internalSchema.ts"
import { isoInstant, type ServerFacts } from "./ServerFacts.ts"
import { statementColumns, statementsSchema } from "./statementTotals.ts"

const sample = `${internalSchema}.statement_sample`
const last = `${internalSchema}.statement_last`
const hour = `${internalSchema}.statement_hour`
const text = `${internalSchema}.statement_text`

const ourDatabase = "(select oid from pg_database where datname = current_database())"
/** Of the transaction's beginning, so that all of a look goes into one. */
const thisHour = "date_trunc('hour', now(), 'UTC')"

const counters = ["calls", "ms", "rows", "hit_blocks", "read_blocks", "temp_blocks", "wal_bytes"] as const
const list = (each: (counter: string) => string): string => counters.map(each).join(", ")
const add = (target: string): string => `set ${list((name) => `${name} = ${target}.${name} + excluded.${name}`)}`

/** The last of its tables: who made it made the others too. */
export const storePresent = `select to_regclass('${text}') is not null as present`

/** Of two at once one goes on. Ends with the transaction. */
export const lockStore = `select pg_try_advisory_xact_lock(hashtextextended('${sample}', 0)) as locked`

export interface StoreState {
  /** Of the last look; null before the first. */
  readonly elapsedMs: number | null
  /** The counters are others than those of the last look. */
  readonly isReset: boolean
  /** All that they count happened since the last look. False: they may be another server's. */
  readonly isResetSince: boolean
  /** Since when is counted, to the microsecond. */
  readonly countedSince: string
  /** Entries that had to make room since; null when nobody knows. */
  readonly evictions: number | null
}

export const storeState = (server: ServerFacts): string => `
select (extract(epoch from clock_timestamp() - p.at) * 1000)::float8 as "elapsedMs",
  i.stats_reset <> p.counted_since as "isReset", i.stats_reset > p.at as "isResetSince",
  i.stats_reset::text as "countedSince",
  case when i.stats_reset = p.counted_since then i.dealloc - p.evictions
    when i.stats_reset > p.at then i.dealloc end::float8 as evictions
from ${statementsSchema(server)}.pg_stat_statements_info i
left join ${sample} p on p.database = ${ourDatabase}`

export const countedSince = (server: ServerFacts): string =>
  `select stats_reset::text as "countedSince" from ${statementsSchema(server)}.pg_stat_statements_info`

/**
 * Reads the counters, and adds what they have grown by to the hour. `baseline`: there is nothing to compare them with,
 * and they are only noted. `reset`: all that they count is new.
 *
 * One entry began anew when its own beginning says so (17 and later), when it was not there, or when any of its counters
 * is smaller than it was. One that was emptied alone and passed its old counters since is not told apart before 17.
 */
export const takeSample = (server: ServerFacts, how: "delta" | "reset" | "baseline"): string => `
with now as materialized (
  select userid as role, queryid as query, toplevel as top_level, ${statementColumns(server).statsSince} as since,
    calls, total_exec_time as ms, rows, shared_blks_hit as hit_blocks, shared_blks_read as read_blocks,
    temp_blks_read + temp_blks_written as temp_blocks, wal_bytes
  from ${statementsSchema(server)}.pg_stat_statements(false)
  where dbid = ${ourDatabase} and queryid is not null
),
before as materialized (select * from ${last} where database = ${ourDatabase}),
grown as (
  select role, query, top_level, ${
  list((name) => `${name} - case when is_same then last_${name} else 0 end as ${name}`)
}
  from (
    -- Joined by plain columns: thousands of entries are hashed.
    select n.*, ${list((name) => `b.${name} as last_${name}`)},
      ${how === "reset" ? "false" : "n.since is not distinct from coalesce(b.since, n.since)"}
        and ${counters.map((name) => `n.${name} >= b.${name}`).join(" and ")} as is_same
    from now n left join before b using (role, query, top_level)
  ) n
),
added as (
  insert into ${hour} as h
  select ${thisHour}, ${ourDatabase}, role, query, top_level, ${list((name) => name)}
  from grown where ${how === "baseline" ? "false" : "calls > 0"}
  on conflict (hour, database, role, query, top_level) do update ${add("h")}
  returning 1
),
gone as (
  delete from ${last} l where l.database = ${ourDatabase}
    and not exists (select from now n where (n.role, n.query, n.top_level) = (l.role, l.query, l.top_level))
),
noted as (
  insert into ${last} as l
  select ${ourDatabase}, role, query, top_level, since, ${list((name) => name)} from now
  on conflict (database, role, query, top_level) do update
  set since = excluded.since, ${list((name) => `${name} = excluded.${name}`)}
  where (l.since, ${list((name) => `l.${name}`)}) is distinct from (excluded.since, ${
  list((name) => `excluded.${name}`)
})
),
looked as (
  insert into ${sample} as s
  select ${ourDatabase}, clock_timestamp(), i.stats_reset, i.dealloc
  from ${statementsSchema(server)}.pg_stat_statements_info i
  on conflict (database) do update
  set at = excluded.at, counted_since = excluded.counted_since, evictions = excluded.evictions
)
select (select count(*) from added)::int4 as statements`

/** Of each hour, the smallest beyond the first `most` become one row. */
export const foldHour = (most: number): string => `
with ranked as (
  select h.*, row_number() over (order by ms desc, calls desc, query, role, top_level) as place
  from ${hour} h where h.hour = ${thisHour} and h.database = ${ourDatabase} and h.query <> 0
),
folded as (
  delete from ${hour} h using ranked r
  where r.place > ${most}
    and (h.hour, h.database, h.role, h.query, h.top_level) = (r.hour, r.database, r.role, r.query, r.top_level)
  returning h.*
)
insert into ${hour} as h
select hour, database, 0, 0, true, ${list((name) => `sum(${name})`)} from folded group by hour, database
on conflict (hour, database, role, query, top_level) do update ${add("h")}`

export const forgetHours = (days: number): string => `delete from ${hour} where hour < now() - interval '${days} days'`

export const forgetTexts = `
delete from ${text} t
where not exists (select from ${hour} h where h.query = t.query and h.database = t.database)`

/** Statements that are kept and have no text yet. Reading texts is dear: it is done for new ones only. */
export const missingTexts = `
select distinct h.query::text as query from ${hour} h
where h.database = ${ourDatabase} and h.query <> 0
  and not exists (select from ${text} t where t.query = h.query and t.database = h.database)`

/** Of those, as the extension has them. */
export const textsOf = (server: ServerFacts, queries: ReadonlyArray<string>): string => `
select distinct on (queryid) queryid::text as query, query as text
from ${statementsSchema(server)}.pg_stat_statements(true)
where dbid = ${ourDatabase} and queryid in (${queries.join()})
order by queryid`

/** To be followed by the list as JSON. */
export const insertTexts = `
insert into ${text} (database, query, fingerprint, text)
select ${ourDatabase}, (t ->> 'query')::bigint, t ->> 'fingerprint', t ->> 'text'
from jsonb_array_elements($::jsonb) t
on conflict do nothing`

export type Order = "ms" | "calls" | "rows" | "reads" | "temporary" | "wal"

const orders: Readonly<Record<Order, string>> = {
  ms: "ms",
  calls: "calls",
  rows: "rows",
  reads: "read_blocks",
  temporary: "temp_blocks",
  wal: "wal_bytes"
}

/** `since` and `until` are milliseconds since the epoch; whole hours count. */
export const topStatements = (by: Order, since: number, until: number, limit: number): string => `
with kept as (
  select query, role, ${list((name) => `sum(${name}) as ${name}`)}, min(hour) as first, max(hour) as latest
  from ${hour}
  where database = ${ourDatabase} and hour >= date_trunc('hour', to_timestamp(${since / 1000}), 'UTC')
    and hour <= to_timestamp(${until / 1000})
  group by query, role
)
select nullif(k.query, 0)::text as "queryId", r.rolname::text as "user", t.fingerprint, t.text as query,
  k.calls::float8 as calls, k.ms::float8 as "totalMs", (k.ms / k.calls)::float8 as "meanMs", k.rows::float8 as rows,
  k.hit_blocks::float8 as "sharedHitBlocks", k.read_blocks::float8 as "sharedReadBlocks",
  k.temp_blocks::float8 as "tempBlocks", k.wal_bytes::float8 as "walBytes",
  (k.${orders[by]} / nullif(sum(k.${orders[by]}) over (), 0))::float8 as share,
  ${isoInstant("k.first")} as "firstHour", ${isoInstant("k.latest")} as "lastHour"
from kept k
left join ${text} t on t.query = k.query and t.database = ${ourDatabase}
left join pg_roles r on r.oid = k.role
order by k.query = 0, k.${orders[by]} desc, k.query, k.role
limit ${limit}`
