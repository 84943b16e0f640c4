/**
 * Applies the migrations that drizzle-kit wrote, with Drizzle's own migrator and journal, so that either tool can go on
 * where the other stopped.
 *
 * All pending migrations run in one transaction behind an advisory lock: of several runners at once exactly one
 * applies, the others find nothing to do. A statement that cannot run in a transaction is refused by the server, and
 * nothing is applied.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import { readMigrationFiles } from "drizzle-orm/migrator"
import { migrate as applyMigrations } from "drizzle-orm/pg-core/effect"
import * as Effect from "effect/Effect"
import { DbConfigError } from "../config/DbConfigError.ts"
import { Database, type DatabaseShape } from "../connection/Database.ts"
import { own } from "../driver/DrizzleSession.ts"
import { DbError } from "../errors/DbError.ts"

/** Transaction lock of the migrator, the same for every runner: the first eight bytes of SHA-256("ems migrate"). */
const lockKey = sql.raw("4170327934511827207")

/** Building an index takes as long as it takes; whoever wants it to stop interrupts. */
const noLimit = { timeout: Number.POSITIVE_INFINITY }

/** Where Drizzle keeps its journal. */
const journal = "drizzle.__drizzle_migrations"

export interface MigrationStatus {
  /** Names in the order of the journal. */
  readonly applied: ReadonlyArray<string>
  /** Names in the order they would be applied. */
  readonly pending: ReadonlyArray<string>
}

export interface MigrationResult extends MigrationStatus {
  /** Those applied by this call. */
  readonly appliedNow: ReadonlyArray<string>
}

const read = (folder: string) =>
  Effect.try({
    try: () => readMigrationFiles({ migrationsFolder: folder }),
    catch: () =>
      new DbConfigError({
        key: "migrations",
        value: folder,
        expected: "a folder that drizzle-kit generate has written"
      })
  })

const appliedNames = (database: DatabaseShape<AnyRelations>) =>
  Effect.gen(function*() {
    const [exists] = (yield* database.query((db) =>
      db.execute<{ present: boolean }>(sql`select to_regclass(${journal}) is not null as present`)
    )).rows
    if (exists?.present !== true) {
      return []
    }
    const { rows } = yield* database.query((db) =>
      db.execute<{ name: string | null }>(sql`select name from ${sql.raw(journal)} order by created_at, id`)
    )
    return rows.map((row) =>
      row.name ?? ""
    )
  })

/** What is applied and what is not. Changes nothing. */
export const status = Effect.fn("Migrator.status")(function*(folder: string) {
  const database = yield* Database
  const files = yield* read(folder)
  const applied = yield* appliedNames(database)
  const known = new Set(applied)
  const pending = files.flatMap((file) => known.has(file.name ?? "") ? [] : [file.name ?? ""])
  return { applied, pending } satisfies MigrationStatus
})

/** Applies what is pending. Fails with `DbError`, in which case nothing was applied. */
export const migrate = Effect.fn("Migrator.migrate")(function*(folder: string) {
  const database = yield* Database
  const files = yield* read(folder)
  const before = yield* database.transaction((tx) =>
    Effect.gen(function*() {
      yield* tx.execute(sql`select pg_advisory_xact_lock(${lockKey})`)
      const before = yield* appliedNames(database)
      // Runs as a savepoint of this transaction, and so under its lock.
      yield* Effect.mapError(applyMigrations(files, tx._.session, { migrationsFolder: folder }), own)
      return before
    }), noLimit).pipe(Effect.catchTag("MigratorInitError", () =>
      Effect.fail(
        DbError.of("InvalidStatement", "NotSent", "migrate", {
          message: "the migration journal is in an unknown state"
        })
      )))
  const { applied, pending } = yield* status(folder)
  const known = new Set(before)
  const appliedNow = applied.filter((name) => !known.has(name))
  return { applied, pending, appliedNow } satisfies MigrationResult
})
