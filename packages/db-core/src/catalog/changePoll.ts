/**
 * What became visible in the change log since an earlier snapshot: the transactions from its `xmax` on, and those that
 * were under way in it. Nothing is missed however late somebody commits, and nothing depends on a clock.
 */
import { internalSchema } from "./internalSchema.ts"

/** `$1` is the earlier snapshot's `xmax`, `$2` its list of running transactions. */
const changes = `(
  select string_agg(relid::text, ',') from (
    select relid from ${internalSchema}.change where xid >= $1::text::xid8
    union
    select relid from ${internalSchema}.change where xid = any (string_to_array($2::text, ',')::xid8[])
  ) found
)`

/** The same with the transactions, `oid:xid+xid`; `oid:` for a table with more than 16 of them. */
const detailedChanges = `(
  select string_agg(relid || ':' || xids, ',') from (
    select relid, case when count(*) <= 16 then string_agg(xid::text, '+') else '' end as xids from (
      select relid, xid from ${internalSchema}.change where xid >= $1::text::xid8
      union
      select relid, xid from ${internalSchema}.change where xid = any (string_to_array($2::text, ',')::xid8[])
    ) each group by relid
  ) found
)`

/**
 * A text that differs after definitions changed. Where the event triggers are in force they speak for everything but
 * themselves; elsewhere every definition that the cache relies on is in it.
 */
const definitions = `case
  when (select count(*) from pg_event_trigger where evtname in ('ems_ddl', 'ems_drop') and evtenabled = 'A') = 2
  then (select string_agg(concat_ws(':', oid, xmin), ',' order by oid) from pg_event_trigger
    where evtname in ('ems_ddl', 'ems_drop'))
  else md5(concat_ws('/',
    (select string_agg(concat_ws(':', oid, xmin, relfilenode), ',' order by oid) from pg_class
      where oid >= 16384 and relkind in ('r', 'p', 'v', 'm', 'f') and relpersistence <> 't'),
    (select string_agg(concat_ws(':', oid, xmin), ',' order by oid) from pg_trigger where not tgisinternal),
    (select string_agg(concat_ws(':', oid, xmin), ',' order by oid) from pg_policy),
    (select string_agg(concat_ws(':', oid, xmin), ',' order by oid) from pg_rewrite where ev_class >= 16384),
    (select string_agg(concat_ws(':', oid, xmin), ',' order by oid) from pg_constraint where contype = 'f'),
    (select string_agg(concat_ws(':', inhrelid, inhparent), ',' order by inhrelid, inhparent) from pg_inherits),
    (select string_agg(concat_ws(':', oid, xmin), ',' order by oid) from pg_proc where oid >= 16384),
    (select string_agg(concat_ws(':', oid, xmin), ',' order by oid) from pg_operator where oid >= 16384)
  ))
end`

/**
 * Which server and database it is, on which history, what new connections get as settings, and who may act as whom: connections
 * from before and after a change would give different answers. Fails on a standby.
 */
const lineage = `concat_ws(':', (select system_identifier from pg_control_system()),
  (select oid from pg_database where datname = current_database()),
  left(pg_walfile_name(pg_current_wal_lsn()), 8),
  (select string_agg(concat_ws(':', setdatabase, setrole, xmin), ',' order by setdatabase, setrole)
    from pg_db_role_setting),
  (select md5(string_agg(concat_ws(':', roleid, member, xmin), ',' order by roleid, member)) from pg_auth_members))`

export interface ChangePoll {
  readonly snapshot: string
  /** None when the log was lost. */
  readonly epoch: string | null
  readonly tick: bigint | null
  readonly oldestTick: bigint | null
  /** Oids with commas between; 0 for definitions. Detailed each with its transactions, see `detailedChanges`. */
  readonly changed: string | null
  readonly standby: boolean
  /** Only asked with the guard. */
  readonly definitions?: string | null
  readonly lineage?: string
}

const poll = (changed: string, guard: string) =>
  `select pg_current_snapshot()::text as snapshot,
  (select id::text from ${internalSchema}.epoch) as epoch,
  (select max(k) from ${internalSchema}.tick) as tick,
  (select min(k) from ${internalSchema}.tick) as "oldestTick",
  ${changed} as changed,
  pg_is_in_recovery() as standby${guard}`

const guard = `,
  ${definitions} as definitions,
  ${lineage} as lineage`

export const changePoll = poll(changes, "")

/** The same with what checks the assumptions behind it: dearer, asked once a second. */
export const changePollGuarded = poll(changes, guard)

/** For who shares answers with other processes. */
export const changePollDetailed = poll(detailedChanges, "")
export const changePollDetailedGuarded = poll(detailedChanges, guard)
