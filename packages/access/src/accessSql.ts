/**
 * Machine tokens and the audit log.
 *
 * One statement each: the extended protocol takes no more. Run again, they change nothing.
 */
import { internalSchema } from "@ems/db-core/catalog/internalSchema"

export const machineToken = `${internalSchema}.machine_token`
export const auditLog = `${internalSchema}.audit_log`

export const accessSql: ReadonlyArray<string> = [
  `create table if not exists ${machineToken} (
  id bigint primary key generated always as identity,
  name text not null check (name ~ '^[A-Za-z][A-Za-z0-9._-]{0,62}$'),
  token_hash text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
  role text not null check (role in ('viewer', 'operator', 'admin')),
  scopes text[] not null,
  created_by text,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz check (expires_at > created_at),
  revoked_at timestamptz,
  last_used_at timestamptz
)`,
  // The name is free again when the token was revoked: its successor has it.
  `create unique index if not exists machine_token_name on ${machineToken} (name) where revoked_at is null`,
  `create table if not exists ${auditLog} (
  id bigint primary key generated always as identity,
  at timestamptz not null default clock_timestamp(),
  phase text not null check (phase in ('intent', 'outcome')),
  intent_id bigint references ${auditLog} (id),
  actor text,
  actor_name text,
  action text,
  target text,
  reason text,
  request_id text,
  outcome text check (outcome in ('succeeded', 'failed', 'interrupted')),
  detail text check (char_length(detail) <= 64),
  check (case phase
    when 'intent' then intent_id is null and outcome is null and actor is not null and actor_name is not null
      and action is not null and target is not null
    else intent_id is not null and outcome is not null end)
)`,
  `create unique index if not exists audit_log_intent_id on ${auditLog} (intent_id)`,
  `create or replace function ${internalSchema}.audit_log_is_append_only() returns trigger language plpgsql
set search_path = pg_catalog as $$
begin
  raise exception 'the audit log is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end
$$`,
  `create or replace trigger audit_log_append_only before update or delete or truncate on ${auditLog}
  for each statement execute function ${internalSchema}.audit_log_is_append_only()`,
  // Also in sessions that replay as a replica, in which ordinary triggers are silent.
  `alter table ${auditLog} enable always trigger audit_log_append_only`,
  // Last: what is looked for to see whether all of it is there.
  `create index if not exists audit_log_intents on ${auditLog} (id desc) where phase = 'intent'`
]
