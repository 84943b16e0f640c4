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
 * Which server it is, on which history, and what new connections get as settings: connections from before and after a
 * change would give different answers. Fails on a standby.
 */
const lineage = `concat_ws(':', (select system_identifier from pg_control_system()),
  left(pg_walfile_name(pg_current_wal_lsn()), 8),
  (select string_agg(concat_ws(':', setdatabase, setrole, xmin), ',' order by setdatabase, setrole)
    from pg_db_role_setting))`

export interface ChangePoll {
  readonly snapshot: string
  /** None when the log was lost. */
  readonly epoch: string | null
  readonly tick: bigint | null
  readonly oldestTick: bigint | null
  /** Oids with commas between; 0 for definitions. */
  readonly changed: string | null
  readonly standby: boolean
  /** Only asked with the guard. */
  readonly definitions?: string | null
  readonly lineage?: string
}

const poll = (guard: string) =>
  `select pg_current_snapshot()::text as snapshot,
  (select id::text from ${internalSchema}.epoch) as epoch,
  (select max(k) from ${internalSchema}.tick) as tick,
  (select min(k) from ${internalSchema}.tick) as "oldestTick",
  ${changes} as changed,
  pg_is_in_recovery() as standby${guard}`

export const changePoll = poll("")

/** The same with what checks the assumptions behind it: dearer, asked once a second. */
export const changePollGuarded = poll(`,
  ${definitions} as definitions,
  ${lineage} as lineage`)
