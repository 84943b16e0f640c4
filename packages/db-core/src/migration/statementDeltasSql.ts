/**
 * The store of statement statistics: what was counted between two looks at `pg_stat_statements`, by the hour.
 *
 * - `statement_sample` says when it was looked at last, and since when the extension had counted then.
 * - `statement_last` are the counters as they were then; what they have grown by is what happened since.
 * - `statement_hour` is what happened. Role 0, query 0 are all those together that were too small to be kept.
 * - `statement_text` are the statements, without their values.
 *
 * Logged tables: the counters outlive a clean restart, and a store that forgot them would count them again.
 * Run again, they change nothing.
 */
import { internalSchema } from "../catalog/internalSchema.ts"

const counters = `calls bigint not null,
  ms double precision not null,
  rows bigint not null,
  hit_blocks bigint not null,
  read_blocks bigint not null,
  temp_blocks bigint not null,
  wal_bytes numeric not null`

const tables = ["sample", "last", "hour", "text"].map((name) => `${internalSchema}.statement_${name}`).join(", ")

export const statementDeltasSql: ReadonlyArray<string> = [
  `create table if not exists ${internalSchema}.statement_sample (
  database oid primary key,
  at timestamptz not null,
  counted_since timestamptz not null,
  evictions bigint not null
)`,
  `create table if not exists ${internalSchema}.statement_last (
  database oid not null,
  role oid not null,
  query bigint not null,
  top_level boolean not null,
  since timestamptz,
  ${counters},
  primary key (database, role, query, top_level)
)`,
  `create table if not exists ${internalSchema}.statement_hour (
  hour timestamptz not null,
  database oid not null,
  role oid not null,
  query bigint not null,
  top_level boolean not null,
  ${counters},
  primary key (hour, database, role, query, top_level)
)`,
  `create table if not exists ${internalSchema}.statement_text (
  database oid not null,
  query bigint not null,
  fingerprint text not null,
  text text not null,
  primary key (database, query)
)`,
  // Whoever may read all statements may keep them, and nobody else sees them here.
  `grant usage on schema ${internalSchema} to pg_read_all_stats`,
  `grant select, insert, update, delete on ${tables} to pg_read_all_stats`
]
