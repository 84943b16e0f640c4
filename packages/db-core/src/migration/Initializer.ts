/**
 * Brings a database to the state that the product expects, creating what is missing: database, `ems_internal`,
 * migrations, planner statistics. Safe to run again, and by several at once. Indexes are maintenance's: `createIndexes`.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { internalSchema } from "../catalog/internalSchema.ts"
import { type NeverAnalyzed, neverAnalyzed } from "../catalog/neverAnalyzed.ts"
import { relationTables } from "../catalog/relationTables.ts"
import { DbConfig } from "../config/DbConfig.ts"
import { Database, type DatabaseShape } from "../connection/Database.ts"
import * as ChangeLog from "./ChangeLog.ts"
import { createDatabase } from "./CreateDatabase.ts"
import * as IdempotencyTables from "./IdempotencyTables.ts"
import { internalSchemaSql } from "./internalSchema.ts"
import * as MaintenanceTables from "./MaintenanceTables.ts"
import type { MigrationSource } from "./MigrationFiles.ts"
import * as Migrator from "./Migrator.ts"
import * as ObjectSamples from "./ObjectSamples.ts"
import * as StatementDeltas from "./StatementDeltas.ts"

/** Work on a whole table takes as long as it takes. */
const noLimit = { timeout: Number.POSITIVE_INFINITY }

export interface InitOptions {
  /** The folder that drizzle-kit writes, or what was read of it. */
  readonly migrations: MigrationSource
  /** Hears of each migration before it is begun, as `Migrator.migrate` has it. */
  readonly begins?: Migrator.MigrateOptions["begins"]
}

export interface InitResult {
  readonly database: { readonly name: string; readonly created: boolean }
  readonly schema: { readonly name: typeof internalSchema; readonly created: boolean }
  readonly migrations: Migrator.MigrationResult
  /** What the query cache reads of writes; `null` where it is not wanted (`DbConfig.cacheFeed`). */
  readonly changeLog: null | {
    /** Tables of the relations that it covers after this run, as `schema.name`. */
    readonly tracked: ReadonlyArray<string>
    /** Those that this run added. */
    readonly added: ReadonlyArray<string>
    /** It hears of changed definitions at once; else they are found within a second. Takes a superuser. */
    readonly definitions: boolean
  }
  readonly statistics: { readonly analyzed: number }
}

const ensureInternalSchema = (database: DatabaseShape<AnyRelations>) =>
  database.transaction((tx) =>
    Effect.gen(function*() {
      // CREATE SCHEMA IF NOT EXISTS races with itself: two at once, and one gets a unique violation.
      yield* tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${internalSchema}, 0))`)
      const { rows } = yield* tx.execute<{ present: boolean }>(
        sql`select to_regnamespace(${internalSchema}) is not null as present`
      )
      for (const statement of internalSchemaSql) yield* tx.execute(sql.raw(statement))
      return { name: internalSchema, created: rows[0]?.present !== true } as const
    })
  )

const ensureChangeLog = (database: DatabaseShape<AnyRelations>) =>
  Effect.gen(function*() {
    const { cacheFeed } = yield* DbConfig
    if (cacheFeed === "none") return null
    yield* ChangeLog.install
    const tables = relationTables(database.relations)
    const before = yield* ChangeLog.tracked
    const missing = tables.filter((table) => !before.tables.includes(table))
    yield* ChangeLog.track(missing)
    const after = yield* ChangeLog.tracked
    return {
      tracked: tables.filter((table) => after.tables.includes(table)),
      added: missing,
      definitions: after.definitions
    }
  })

const ensureStatistics = (database: DatabaseShape<AnyRelations>) =>
  Effect.gen(function*() {
    const { rows } = yield* database.query((db) => db.execute<NeverAnalyzed & Record<string, unknown>>(neverAnalyzed))
    for (const table of rows) {
      yield* database.query(
        (db) => db.execute(sql`analyze ${sql.identifier(table.schema)}.${sql.identifier(table.name)}`),
        noLimit
      )
    }
    return { analyzed: rows.length }
  })

/** Creates what is missing and says what it found and did. */
export const initialize = Effect.fn("Initializer.initialize")(function*(options: InitOptions) {
  const database = yield* Database
  const created = yield* createDatabase
  const schema = yield* ensureInternalSchema(database)
  yield* MaintenanceTables.install
  yield* IdempotencyTables.install
  yield* StatementDeltas.install
  yield* ObjectSamples.install
  const migrations = yield* Migrator.migrate(
    options.migrations,
    options.begins === undefined ? {} : { begins: options.begins }
  )
  const changeLog = yield* ensureChangeLog(database)
  const statistics = yield* ensureStatistics(database)
  return { database: created, schema, migrations, changeLog, statistics } satisfies InitResult
})
