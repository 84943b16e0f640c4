/**
 * Keys of requests that are to take effect once, and what was answered to them.
 *
 * One statement each: the extended protocol takes no more. Run again, they change nothing.
 */
import { internalSchema } from "../catalog/internalSchema.ts"

export const idempotencyKeySql: ReadonlyArray<string> = [
  `create table if not exists ${internalSchema}.idempotency_key (
  owner text not null check (char_length(owner) between 1 and 200),
  key text not null check (key ~ '^[!-~]{1,255}$'),
  fingerprint text not null check (fingerprint ~ '^[0-9a-f]{64}$'),
  operation_id uuid not null default gen_random_uuid(),
  attempt integer not null default 1,
  claimed_at timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp(),
  answer json,
  primary key (owner, key)
)`,
  // Last: what is looked for to see whether all of it is there.
  `create index if not exists idempotency_key_created_at on ${internalSchema}.idempotency_key (created_at)`
]
