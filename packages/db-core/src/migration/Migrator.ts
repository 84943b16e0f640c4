/**
 * Applies the migrations that drizzle-kit wrote, without holding anybody up, so that a run that was killed anywhere
 * ends in the same database when it is run again.
 *
 * - One runner at a time, by a lock of its session, which is past the pooler (`EMS_DIRECT_URL`).
 * - Neighbouring statements share a transaction with their notes in the journals. What cannot have one (CREATE INDEX
 *   CONCURRENTLY, VACUUM, …) runs outside and is noted before and after; cut off in between, it is looked at.
 * - Nobody queues long for a lock that holds up readers or writers: see `run/Patience.ts`.
 *
 * A migration is therefore not all or nothing: when one of its statements fails, what ran before in other transactions
 * stays, and the next run goes on from there. Drizzle's journal has it when its last statement is done.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { Database, type Handle } from "../connection/Database.ts"
import { Driver } from "../driver/Driver.ts"
import { isDbError } from "../errors/DbError.ts"
import { type Migration, type MigrationFile, type MigrationSource, parseFile, readFiles } from "./MigrationFiles.ts"
import * as Journal from "./run/Journal.ts"
import { defaults, type PatienceOptions } from "./run/Patience.ts"
import { repairOne } from "./run/Repair.ts"
import { exclusively } from "./run/RunnerLock.ts"
import * as Steps from "./run/Steps.ts"

export { drift, type DriftOptions, dump } from "./Drift.ts"
export type { Difference } from "./drift/Difference.ts"
export { lint, type LintResult } from "./MigrationLint.ts"
export { plan, type PlannedMigration } from "./MigrationPlan.ts"

export interface MigrationStatus {
  /** Names in the order of the journal. */
  readonly applied: ReadonlyArray<string>
  /** Names in the order they would be applied. */
  readonly pending: ReadonlyArray<string>
  /** Of `pending`: some of their statements have run. */
  readonly begun: ReadonlyArray<string>
  /** Of `applied`: their files have changed since, so this database and a fresh one may differ. */
  readonly edited: ReadonlyArray<string>
  /** Of `applied`: their files are gone. */
  readonly missing: ReadonlyArray<string>
}

export interface MigrationResult extends MigrationStatus {
  /** Those applied by this call. */
  readonly appliedNow: ReadonlyArray<string>
  /** What runs before this one had left, and what was done about it. One sentence each. */
  readonly repaired: ReadonlyArray<string>
}

export interface MigrateOptions extends PatienceOptions {
  /** How long to wait for another runner. Milliseconds, default 600 000; 0 to be told at once who it is. */
  readonly runnerWait?: number
  /** Hears of each migration before it is begun: its number of those that this run applies, from 1. */
  readonly begins?: (at: number, of: number, name: string) => Effect.Effect<void>
}

/** What is applied and what is not. Changes nothing. */
export const status = Effect.fn("Migrator.status")(function*(source: MigrationSource) {
  const database = yield* Database
  const files = yield* readFiles(source)
  const journal = yield* database.query(Journal.applied)
  const noted = yield* database.query(Journal.noted)
  const known = new Map(journal.map(({ hash, name }) => [name, hash]))
  const pending = files.filter(({ name }) => !known.has(name)).map(({ name }) => name)
  const begun = new Set(noted.map(({ migration }) => migration))
  const there = new Set(files.map(({ name }) => name))
  return {
    applied: journal.map(({ name }) => name),
    pending,
    begun: pending.filter((name) => begun.has(name)),
    edited: files.filter(({ hash, name }) => known.has(name) && known.get(name) !== hash).map(({ name }) => name),
    missing: journal.filter(({ name }) => !there.has(name)).map(({ name }) => name)
  } satisfies MigrationStatus
})

/** The session was lost, or another one cannot be had yet: the next one looks at what became of its work. */
const wasCutOff = (error: unknown, { isReached }: Progress): boolean =>
  isReached && isDbError(error) &&
  (error.reason._tag === "ConnectionLost" || error.reason._tag === "CommitUnknown" ||
    (error.fate === "NotSent" && error.isTransient && error.reason._tag !== "LockTimeout"))

/** A tenth of a second doubling, eight times, 25 s in all: a failover is over by then. */
const goOn = (progress: Progress) =>
  Schedule.exponential("100 millis").pipe(
    Schedule.jittered,
    Schedule.upTo({ times: 8 }),
    Schedule.while(({ input }) => wasCutOff(input, progress)),
    Schedule.tap(() => Effect.logWarning("the connection of the migration was lost; going on with another one"))
  )

/** What a run adds to when it goes on with another connection. */
interface Progress {
  /** The server has answered: one that cannot be reached at all is said at once. */
  isReached: boolean
  readonly appliedNow: Array<string>
  readonly repaired: Array<string>
}

/** What is pending as far as one can tell without the lock. What cannot be read is refused before anything is done. */
const readPending = Effect.fnUntraced(function*(source: MigrationSource) {
  const database = yield* Database
  const files = yield* readFiles(source)
  const applied = new Set((yield* database.query(Journal.applied)).map(({ name }) => name))
  return { files, migrations: yield* Effect.forEach(files.filter(({ name }) => !applied.has(name)), parseFile) }
})

/** Works on what is pending, on the one session that may. */
const locked = Effect.fnUntraced(function*<A, E, R>(
  { files, migrations }: {
    readonly files: ReadonlyArray<MigrationFile>
    readonly migrations: ReadonlyArray<Migration>
  },
  options: MigrateOptions,
  use: (
    db: Handle<AnyRelations>,
    migrations: ReadonlyArray<Migration>,
    noted: ReadonlyArray<Journal.Noted>
  ) => Effect.Effect<A, E, R>
) {
  if (migrations.length === 0) return
  const database = yield* Database
  yield* database.direct((db) =>
    exclusively(
      db,
      options.runnerWait ?? defaults.patience,
      Effect.gen(function*() {
        yield* Journal.prepare(db, files)
        // Another runner may have been faster.
        const known = new Set((yield* Journal.applied(db)).map(({ name }) => name))
        yield* use(db, migrations.filter(({ name }) => !known.has(name)), yield* Journal.noted(db))
      })
    )
  )
})

const once = Effect.fnUntraced(function*(source: MigrationSource, options: MigrateOptions, progress: Progress) {
  const { directCapabilities } = yield* Driver
  const pending = yield* readPending(source)
  progress.isReached = true
  yield* locked(pending, options, (db, migrations, noted) =>
    Effect.gen(function*() {
      const { rows: [session] } = yield* db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      const patience = {
        ...defaults,
        ...options,
        pid: session?.pid ?? 0,
        canAsk: directCapabilities.maxSessions !== 1
      }
      const of = progress.appliedNow.length + migrations.length
      for (const migration of migrations) {
        yield* options.begins?.(progress.appliedNow.length + 1, of, migration.name) ?? Effect.void
        progress.repaired.push(...(yield* Steps.run(db, migration, noted, patience)))
        progress.appliedNow.push(migration.name)
      }
    }))
})

/**
 * Applies what is pending, in order. Fails with
 * - `DbConfigError`: a file is not to be read, or a migration was edited after some of it had run;
 * - `LockTimeout`: another runner, or somebody who held a lock for longer than `patience`;
 * - whatever the server answers to a statement. What ran before it stays: run again, it goes on there.
 */
export const migrate = Effect.fn("Migrator.migrate")(function*(source: MigrationSource, options: MigrateOptions = {}) {
  const progress: Progress = { isReached: false, appliedNow: [], repaired: [] }
  yield* Effect.retry(once(source, options, progress), goOn(progress))
  const { appliedNow, repaired } = progress
  return { ...(yield* status(source)), appliedNow, repaired } satisfies MigrationResult
})

/**
 * Clears up behind runs that were cut off, and runs nothing: `migrate` does the same on its way. Says what it found,
 * one sentence each. Fails as `migrate` does.
 */
export const repair = Effect.fn("Migrator.repair")(function*(source: MigrationSource, options: MigrateOptions = {}) {
  const said: Array<string> = []
  yield* locked(yield* readPending(source), options, (db, migrations, noted) =>
    Effect.gen(function*() {
      for (const migration of migrations) said.push(...(yield* repairOne(db, migration, noted)))
    }))
  return said
})
