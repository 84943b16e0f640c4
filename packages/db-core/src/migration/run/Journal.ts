/**
 * What was applied. Drizzle's journal is the truth of whole migrations, written as its own migrator writes it, so that
 * either tool can go on where the other stopped. Ours beside it has every statement, written in the transaction of the
 * statement itself; one that cannot have a transaction is noted before and after.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import { upgradeIfNeeded } from "drizzle-orm/up-migrations/effect-pg"
import * as Effect from "effect/Effect"
import { internalSchema } from "../../catalog/internalSchema.ts"
import type { Handle } from "../../connection/Database.ts"
import { own } from "../../driver/DrizzleSession.ts"
import { internalSchemaSql } from "../internalSchema.ts"
import { type MigrationFile, refused } from "../MigrationFiles.ts"
import type { Statement } from "../statement/Statement.ts"
import { atomically } from "./Transaction.ts"

type Db = Handle<AnyRelations>

/** Drizzle's defaults, which drizzle-kit and every one of its migrators share. */
const drizzleSchema = "drizzle"
const drizzleTable = "__drizzle_migrations"
const drizzleJournal = sql.raw(`${drizzleSchema}.${drizzleTable}`)
const statementJournal = sql.raw(`${internalSchema}.migration_statement`)

/** A migration that Drizzle's journal has. */
export interface Applied {
  readonly name: string
  readonly hash: string
}

/** A statement that ours has. `started` without an end: its run was cut off, and what became of it has to be looked at. */
export interface Noted {
  readonly migration: string
  readonly ordinal: number
  readonly hash: string
  readonly state: "started" | "finished"
}

const exists = (db: Db, name: string) =>
  Effect.map(
    db.execute<{ present: boolean }>(sql`select to_regclass(${name}) is not null as present`),
    ({ rows: [row] }) => row?.present === true
  )

/** As Drizzle's migrator makes it, with the columns it adds to journals of older versions. */
const createDrizzleJournal = (db: Db, files: ReadonlyArray<MigrationFile>) =>
  Effect.gen(function*() {
    yield* db.execute(sql.raw(`create schema if not exists ${drizzleSchema}`))
    const { newDb } = yield* Effect.mapError(
      upgradeIfNeeded(
        drizzleSchema,
        drizzleTable,
        db._.session,
        files.map(({ chunks, createdAt, hash, name }) => ({
          sql: [...chunks],
          bps: true,
          folderMillis: createdAt,
          hash,
          name
        }))
      ),
      own
    )
    if (!newDb) return
    yield* db.execute(sql`create table if not exists ${drizzleJournal} (
  id serial primary key,
  hash text not null,
  created_at bigint,
  name text,
  applied_at timestamp with time zone default now()
)`)
  })

const createStatementJournal = (db: Db) =>
  atomically(
    db,
    Effect.gen(function*() {
      // CREATE SCHEMA IF NOT EXISTS races with itself: two at once, and one gets a unique violation.
      yield* db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${internalSchema}, 0))`)
      for (const statement of internalSchemaSql) yield* db.execute(sql.raw(statement))
      yield* db.execute(sql`create table if not exists ${statementJournal} (
  migration text not null,
  ordinal integer not null,
  hash text not null,
  state text not null check (state in ('started', 'finished')),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (migration, ordinal)
)`)
    })
  )

/** Makes what is missing of both. Under the runner's lock. */
export const prepare = Effect.fnUntraced(function*(db: Db, files: ReadonlyArray<MigrationFile>) {
  yield* createDrizzleJournal(db, files)
  if (!(yield* exists(db, `${internalSchema}.migration_statement`))) yield* createStatementJournal(db)
})

/** In the order in which they were applied; none where there is no journal. Reads only. */
export const applied = Effect.fnUntraced(function*(db: Db) {
  if (!(yield* exists(db, `${drizzleSchema}.${drizzleTable}`))) return []
  // Journals of older versions have no names.
  const { rows } = yield* db.execute<{ name: string | null; hash: string }>(
    sql`select to_jsonb(j) ->> 'name' as name, hash from ${drizzleJournal} j order by created_at, id`
  )
  return rows.map(({ hash, name }): Applied => ({ name: name ?? "", hash }))
})

/** Of migrations that were begun. Reads only. */
export const noted = Effect.fnUntraced(function*(db: Db) {
  if (!(yield* exists(db, `${internalSchema}.migration_statement`))) return []
  const { rows } = yield* db.execute<Noted & Record<string, unknown>>(
    sql`select migration, ordinal, hash, state from ${statementJournal} order by migration, ordinal`
  )
  return rows
})

/** Whether a migration may go on where it stopped. Fails when what was run of it has another text now. */
export const unchanged = (name: string, statements: ReadonlyArray<Statement>, rows: ReadonlyArray<Noted>) =>
  Effect.gen(function*() {
    for (const row of rows) {
      const statement = statements[row.ordinal]
      if (row.migration !== name || statement?.hash === row.hash) continue
      return yield* refused(
        name,
        `the text it was begun with: its statement ${row.ordinal + 1} has already run in other words; put them back, ` +
          "and write what changed as a new migration"
      )
    }
  })

/** Before a statement that has no transaction. */
export const start = (db: Db, migration: string, { hash, ordinal }: Statement) =>
  db.execute(sql`insert into ${statementJournal} (migration, ordinal, hash, state)
values (${migration}, ${ordinal}, ${hash}, 'started')
on conflict (migration, ordinal) do update set hash = excluded.hash, started_at = excluded.started_at`)

/** It failed and left nothing. */
export const forget = (db: Db, migration: string, { ordinal }: Statement) =>
  db.execute(sql`delete from ${statementJournal} where migration = ${migration} and ordinal = ${ordinal}`)

/** With the statement, in its transaction, or behind one that has none. */
export const finish = (db: Db, migration: string, { hash, ordinal }: Statement) =>
  db.execute(sql`insert into ${statementJournal} (migration, ordinal, hash, state, finished_at)
values (${migration}, ${ordinal}, ${hash}, 'finished', clock_timestamp())
on conflict (migration, ordinal) do update set state = 'finished', finished_at = clock_timestamp()`)

/** With the last statement of a migration. */
export const apply = (db: Db, { createdAt, hash, name }: MigrationFile) =>
  db.execute(sql`insert into ${drizzleJournal} (hash, created_at, name) values (${hash}, ${createdAt}, ${name})`)
