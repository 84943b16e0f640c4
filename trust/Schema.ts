/** What the callers write to and who they are, made anew for each case. */
import { role } from "./Arena.ts"
import type { Cluster } from "./Cluster.ts"
import type { Canaries } from "./Secrets.ts"

export const reset = async (cluster: Cluster, canaries: Canaries): Promise<void> => {
  await cluster.sql(`
    select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}';
    do $$ begin
      if not exists (select from pg_roles where rolname = '${role}') then create role ${role} login; end if;
    end $$;
    alter role ${role} reset all;
    alter role ${role} login connection limit -1 password '${canaries.password}';
    drop table if exists h, two, counter, secret cascade;
    drop function if exists slow, refusing, deadlocks, conflicts;
    drop sequence if exists refusals;
    create sequence refusals start 1;
    grant all on refusals to ${role};
    select nextval('refusals');
    create table h (id text not null, worker int not null, at timestamptz not null default clock_timestamp());
    grant all on h to ${role}`)
}
