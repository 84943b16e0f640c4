/**
 * The statements that keep object samples; `ObjectSamples.ts` says in which order, `migration/objectSamplesSql.ts` what
 * the columns are.
 */
import { objectSample, ourDatabase, storeAllows, storePresent } from "./objectSampleStore.ts"
import { observedSince } from "./ObservedWindow.ts"
import { isNamed } from "./SampledRates.ts"
import { sequenceExhaustion } from "./sequenceExhaustion.ts"
import type { ServerFacts } from "./ServerFacts.ts"
import { sizes } from "./sizes.ts"

export interface Access {
  readonly isPresent: boolean
  readonly mayWrite: boolean
}

export const access = `select ${storePresent} as "isPresent",
  ${storeAllows("select", "insert", "delete")} as "mayWrite"`

/** Of two at once one goes on. Ends with the transaction. */
export const lockSamples = `select pg_try_advisory_xact_lock(hashtextextended('${objectSample}', 0)) as locked`

/** Null before the first. From beginning to beginning, so that two of one interval are a whole one apart. */
export const elapsedSince = `
select (extract(epoch from now() - max(at)) * 1000)::float8 as "elapsedMs" from ${objectSample}
where database = ${ourDatabase}`

const hashOf = (...parts: ReadonlyArray<string>): string => `hashtextextended(concat_ws(':', ${parts.join(", ")}), 0)`

/** A table with its TOAST and its indexes. */
const pieces = "array[c.oid, c.reltoastrelid] || array(select i.indexrelid from pg_index i where i.indrelid = c.oid)"

/** The files that hold it: TRUNCATE, VACUUM FULL, REINDEX and a new index give others. A partitioned one has none. */
const files = `(
      select string_agg(f.relfilenode::text, ',' order by f.relfilenode) from pg_class f where f.oid = any (${pieces})
    )`

/** `most` of the tables, the largest, and `most` of the sequences, those nearest to their end. */
export const takeSample = (server: ServerFacts, most: number): string => `
with counting as (
  -- Not as text, which would differ from one session's time zone to the other's.
  select coalesce(extract(epoch from ${observedSince(server)}), 0) as since
),
locked as materialized (
  select l.relation from pg_locks l
  where l.mode = 'AccessExclusiveLock' and l.relation is not null and l.database = ${ourDatabase}
),
sized as (
  select c.oid, c.reltoastrelid,
    -- What is locked is not measured but estimated. A partitioned table is passed over whatever is locked: finding all of
    -- its partitions would cost more than a look that lacks it.
    case when not exists (select from locked l where c.relkind = 'p' or l.relation = any (${pieces}))
      then q."totalBytes" end as bytes,
    case when c.relkind <> 'p' then ${hashOf(files)} end as layout
  from (select * from (${sizes.sql(server)}) s order by "totalBytes" desc limit ${most}) q
  join pg_class c on ${isNamed("q.schema", "q.\"table\"")}
),
looked as (
  select oid, bytes, layout from sized
  union all
  select t.oid, null, null from sized z join pg_class t on t.oid = z.reltoastrelid
  where t.relpages > 0 or pg_stat_get_tuples_inserted(t.oid) > 0
),
taken (kind, object, value, dead, inserted, modified, layout, vacuumed, analyzed) as (
  select 'table', l.oid, l.bytes, s.n_dead_tup, s.n_ins_since_vacuum, s.n_mod_since_analyze, l.layout,
    ${hashOf("c.relfilenode", "s.vacuum_count + s.autovacuum_count", "g.since")},
    ${hashOf("c.relfilenode", "s.analyze_count + s.autoanalyze_count", "g.since")}
  from looked l join pg_class c on c.oid = l.oid cross join counting g left join pg_stat_all_tables s on s.relid = l.oid
  union all
  (
    select 'sequence', c.oid, q."lastValue" * sign(q.increment), null, null, null,
      ${hashOf("c.relfilenode", "q.increment")}, null, null
    from (
      -- One may fill several columns.
      select distinct on (schema, sequence) * from (${sequenceExhaustion.sql(server)}) e
      where "lastValue" is not null order by schema, sequence, share desc
    ) q
    join pg_class c on ${isNamed("q.schema", "q.sequence")}
    order by q.share desc limit ${most}
  )
  union all
  select 'database', 0, pg_database_size(current_database())::float8, null, null, null, null, null, null
  union all
  select 'xid', 0, pg_snapshot_xmax(pg_current_snapshot())::text::float8, null, null, null, null, null, null
  union all
  -- No function tells the next one. The age of the first does, and is negative from 2^31 on.
  select 'multixact', 0, (mxid_age('1')::int8 + 4294967296) % 4294967296, null, null, null, null, null, null
),
kept as (
  insert into ${objectSample}
    (database, at, kind, object, value, dead, inserted, modified, layout, vacuumed, analyzed)
  select ${ourDatabase}, now(), t.* from taken t
  returning 1
)
select count(*)::int4 as objects from kept`

/** Of each day that is so long ago, all looks but the last. */
export const thin = (days: number): string => `
delete from ${objectSample} s using (
  select l.at, row_number() over (partition by date_trunc('day', l.at, 'UTC') order by l.at desc) as place
  from (select distinct at from ${objectSample} where database = ${ourDatabase} and at < now() - interval '${days} days') l
) l
where s.database = ${ourDatabase} and s.at = l.at and l.place > 1`

/** Also those of databases that this one was copied from. */
export const forget = (days: number): string => `delete from ${objectSample} where at < now() - interval '${days} days'`
