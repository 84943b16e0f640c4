/**
 * The change log: what tells every process that a table was written, whoever wrote it. Statement triggers put the
 * table's oid and the writer's transaction into an unlogged table, in that transaction; readers ask which of them
 * became visible since their last snapshot. NOTIFY would serialize every commit of the cluster.
 *
 * - `epoch` is unlogged too: a crash, a failover or a suspended compute empties both, and the new epoch says so.
 * - `tick` keeps the snapshots of past sweeps: only rows that were visible to everybody a minute ago are deleted, and
 *   a reader who was away for longer can tell.
 *
 * One statement each: the extended protocol takes no more. Run again, they change nothing.
 */
import { changeTrigger, internalSchema, markSource } from "../catalog/internalSchema.ts"

/** Ticks that a change stays readable; with one every 9 s at most about a minute. */
const keptTicks = 6

export const changeLogSql: ReadonlyArray<string> = [
  // The log is emptied all the time: without a threshold of its own autovacuum would come too late.
  `create unlogged table if not exists ${internalSchema}.change (
  relid oid not null,
  xid xid8 not null
) with (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0)`,
  `create index if not exists change_xid on ${internalSchema}.change (xid)`,
  // One row: two processes that both find none must not begin two epochs.
  `create unlogged table if not exists ${internalSchema}.epoch (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid()
)`,
  `create unlogged table if not exists ${internalSchema}.tick (
  k bigint primary key,
  snapshot pg_snapshot not null,
  at timestamptz not null
)`,
  `create or replace function ${internalSchema}.mark() returns trigger
language plpgsql security definer as $$${markSource}$$`,
  // Whoever empties the log by hand ends the epoch: what was in it can no longer be told.
  `create or replace function ${internalSchema}.end_epoch() returns trigger
language plpgsql security definer as $$
begin
  delete from ${internalSchema}.epoch;
  return null;
end $$`,
  `create or replace trigger ems_epoch after truncate on ${internalSchema}.change
for each statement execute function ${internalSchema}.end_epoch()`,
  `create or replace function ${internalSchema}.begin_epoch() returns void
language sql security definer as $$
  insert into ${internalSchema}.epoch default values on conflict do nothing
$$`,
  // Relation 0 stands for every table: definitions changed.
  `create or replace function ${internalSchema}.mark_ddl() returns event_trigger
language plpgsql security definer as $$
begin
  if tg_event = 'sql_drop' then
    if not exists (select from pg_catalog.pg_event_trigger_dropped_objects() where not is_temporary) then return; end if;
  elsif not exists (
    select from pg_catalog.pg_event_trigger_ddl_commands()
    where schema_name is distinct from 'pg_temp' and command_tag not in ('CREATE INDEX', 'REINDEX', 'COMMENT')
  ) then return;
  end if;
  insert into ${internalSchema}.change values (0, pg_catalog.pg_current_xact_id());
end $$`,
  // Deletes what every reader of the last minute has seen: not by transaction id alone, because one that began early
  // may commit late. Returns the rows deleted, or null when it was not due or another one is at it.
  `create or replace function ${internalSchema}.sweep(due interval default '9 seconds') returns bigint
language plpgsql security definer as $$
declare
  latest ${internalSchema}.tick;
  old pg_catalog.pg_snapshot;
  next bigint;
  deleted bigint := 0;
begin
  if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('${internalSchema}.sweep', 0)) then
    return null;
  end if;
  select * into latest from ${internalSchema}.tick order by k desc limit 1;
  if latest.at > pg_catalog.clock_timestamp() - due then return null; end if;
  next := coalesce(latest.k, 0) + 1;
  select snapshot into old from ${internalSchema}.tick where k = next - ${keptTicks};
  if old is not null then
    delete from ${internalSchema}.change
    where xid < pg_catalog.pg_snapshot_xmax(old) and pg_catalog.pg_visible_in_snapshot(xid, old);
    get diagnostics deleted = row_count;
  end if;
  delete from ${internalSchema}.tick where k <= next - ${keptTicks};
  insert into ${internalSchema}.tick values (next, pg_catalog.pg_current_snapshot(), pg_catalog.clock_timestamp());
  return deleted;
end $$`,
  // The table and, of one that others inherit from or are partitions of, those too: what is written to them directly
  // fires no trigger of their parent.
  `create or replace function ${internalSchema}.track(target regclass) returns void
language plpgsql as $$
declare
  found regclass;
begin
  for found in
    with recursive family(id) as (
      select target::oid
      union
      select i.inhrelid from pg_catalog.pg_inherits i join family f on i.inhparent = f.id
    )
    select c.oid from family f join pg_catalog.pg_class c on c.oid = f.id where c.relkind in ('r', 'p')
  loop
    if not exists (select from pg_catalog.pg_trigger where tgrelid = found and tgname = '${changeTrigger}') then
      -- Of two at once one waits here, and finds what the other one made.
      execute format('lock table only %s in share row exclusive mode', found);
      if not exists (select from pg_catalog.pg_trigger where tgrelid = found and tgname = '${changeTrigger}') then
        execute format(
          'create trigger ${changeTrigger} after insert or update or delete or truncate on %s '
          'for each statement execute function ${internalSchema}.mark()', found);
      end if;
    end if;
    if exists (
      select from pg_catalog.pg_trigger where tgrelid = found and tgname = '${changeTrigger}' and tgenabled <> 'A'
    ) then
      execute format('alter table only %s enable always trigger ${changeTrigger}', found);
    end if;
  end loop;
end $$`,
  `create or replace function ${internalSchema}.untrack(target regclass) returns void
language plpgsql as $$
declare
  found regclass;
begin
  for found in select tgrelid from pg_catalog.pg_trigger t
    where t.tgname = '${changeTrigger}' and t.tgparentid = 0 and (t.tgrelid = target or exists (
      select from pg_catalog.pg_inherits i where i.inhrelid = t.tgrelid and i.inhparent = target))
  loop
    execute format('drop trigger ${changeTrigger} on %s', found);
  end loop;
end $$`,
  // Readers are other roles than the one that migrates. What they see is table oids and transaction ids.
  `grant usage on schema ${internalSchema} to public`,
  `grant select on ${internalSchema}.change, ${internalSchema}.epoch, ${internalSchema}.tick to public`,
  `revoke execute on function ${internalSchema}.track(regclass), ${internalSchema}.untrack(regclass) from public`
]

/** Needs a superuser, or what a provider gives instead; without them changed definitions are found within a second. */
export const ddlTriggersSql = `do $$
begin
  if not exists (select from pg_event_trigger where evtname = 'ems_ddl') then
    create event trigger ems_ddl on ddl_command_end execute function ${internalSchema}.mark_ddl();
  end if;
  if not exists (select from pg_event_trigger where evtname = 'ems_drop') then
    create event trigger ems_drop on sql_drop execute function ${internalSchema}.mark_ddl();
  end if;
  alter event trigger ems_ddl enable always;
  alter event trigger ems_drop enable always;
exception when insufficient_privilege then null;
end $$`
