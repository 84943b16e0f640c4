/**
 * Records of maintenance: jobs, and what each of their steps did. Who runs one holds an advisory lock; a row that says
 * `running` without that lock is of a process that ended.
 *
 * One statement each: the extended protocol takes no more. Run again, they change nothing.
 */
import { internalSchema } from "../catalog/internalSchema.ts"

export const maintenanceSql: ReadonlyArray<string> = [
  `create table if not exists ${internalSchema}.maintenance_job (
  id uuid primary key default gen_random_uuid(),
  action text not null,
  request jsonb not null,
  actor text,
  application text not null default current_setting('application_name'),
  role text not null default current_user,
  status text not null default 'running' check (status in ('running', 'done', 'failed', 'cancelled', 'lost')),
  plan jsonb,
  progress jsonb,
  result jsonb,
  error jsonb,
  cancel_requested boolean not null default false,
  pid integer not null default pg_backend_pid(),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
)`,
  `create index if not exists maintenance_job_started_at on ${internalSchema}.maintenance_job (started_at desc)`,
  `create table if not exists ${internalSchema}.maintenance_step (
  job_id uuid not null references ${internalSchema}.maintenance_job on delete cascade,
  at_step integer not null,
  kind text not null,
  object text not null,
  statements text[] not null,
  undo text,
  outcome text not null,
  details jsonb,
  bytes double precision not null,
  duration_ms double precision not null,
  finished_at timestamptz not null default clock_timestamp(),
  primary key (job_id, at_step)
)`,
  `create index if not exists maintenance_step_kind on ${internalSchema}.maintenance_step (kind, finished_at desc)`
]
