/**
 * The store of object samples: what tables, sequences and the ids of transactions stood at, look by look.
 *
 * `kind` says what `value` is: the bytes of a table, those of the database, a sequence's last value (negative for one that
 * counts downwards), the next transaction id, the next multixact id. What is of no object has 0 for it. A TOAST table has rows of its own for
 * its counters, and its bytes are its table's.
 *
 * `layout`, `vacuumed` and `analyzed` are hashes: where one of them differs from the look before, what it stands for has
 * begun anew, and figures of before and after must not be compared.
 *
 * A thousand tables with TOAST and a thousand sequences take 75 MB with the 90 days that are kept; fifty of each 4 MB.
 */
import { internalSchema } from "../catalog/internalSchema.ts"

const table = `${internalSchema}.object_sample`

/** Run again, they change nothing. */
export const objectSamplesSql: ReadonlyArray<string> = [
  `create table if not exists ${table} (
  database oid not null,
  at timestamptz not null,
  kind text not null,
  object oid not null,
  value double precision,
  dead double precision,
  inserted double precision,
  modified double precision,
  layout bigint,
  vacuumed bigint,
  analyzed bigint,
  primary key (database, at, kind, object)
)`,
  // Whoever may read all statistics may keep them, and nobody else sees them here.
  `grant usage on schema ${internalSchema} to pg_read_all_stats`,
  `grant select, insert, delete on ${table} to pg_read_all_stats`
]
