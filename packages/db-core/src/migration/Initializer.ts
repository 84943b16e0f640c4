/**
 * Brings a database to the state that the product expects, creating what is missing: database, `ems_internal`,
 * migrations, indexes, planner statistics. Safe to run again, and by several at once.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { type IndexState, indexStates } from "../catalog/indexStates.ts"
import { internalSchema } from "../catalog/internalSchema.ts"
import { type NeverAnalyzed, neverAnalyzed } from "../catalog/neverAnalyzed.ts"
import { relationTables } from "../catalog/relationTables.ts"
import { DbConfig } from "../config/DbConfig.ts"
import { Database, type DatabaseShape } from "../connection/Database.ts"
import { Driver } from "../driver/Driver.ts"
import * as ChangeLog from "./ChangeLog.ts"
import { createDatabase } from "./CreateDatabase.ts"
import { internalSchemaSql } from "./internalSchema.ts"
import * as Migrator from "./Migrator.ts"

/** Work on a whole table takes as long as it takes. */
const noLimit = { timeout: Number.POSITIVE_INFINITY }

/** An index that must exist, as plain data. */
export interface IndexDefinition {
  readonly name: string
  readonly schema: string
  readonly table: string
  /** Keys as they stand in CREATE INDEX. */
  readonly columns: ReadonlyArray<string>
  readonly unique: boolean
  readonly method: string
  readonly predicate: string | null
}

export interface InitOptions {
  /** The folder that drizzle-kit writes. */
  readonly migrations: string
  readonly indexes: ReadonlyArray<IndexDefinition>
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
  readonly indexes: {
    /** Usable before this run. */
    readonly present: ReadonlyArray<string>
    readonly created: ReadonlyArray<string>
    /** Not there after this run: another session is building them. */
    readonly missing: ReadonlyArray<string>
    /** There but not usable, and left for `db:indexes` to rebuild. */
    readonly invalid: ReadonlyArray<string>
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

/** Concurrently where the backend can, so that writers are not held up. */
const createIndexSql = (index: IndexDefinition, concurrently: boolean) =>
  sql`create ${sql.raw(index.unique ? "unique " : "")}index ${
    sql.raw(concurrently ? "concurrently " : "")
  }if not exists ${sql.identifier(index.name)} on ${sql.identifier(index.schema)}.${
    sql.identifier(index.table)
  } using ${sql.raw(index.method)} (${sql.raw(index.columns.join(", "))})${
    sql.raw(index.predicate === null ? "" : ` where ${index.predicate}`)
  }`

const qualified = (index: IndexDefinition) => `${index.schema}.${index.name}`

const ensureIndexes = (database: DatabaseShape<AnyRelations>, wanted: ReadonlyArray<IndexDefinition>) =>
  Effect.gen(function*() {
    if (wanted.length === 0) return { present: [], created: [], missing: [], invalid: [] }
    const { directCapabilities: { concurrently } } = yield* Driver
    const look = Effect.map(
      database.query((db) => db.execute<IndexState & Record<string, unknown>>(indexStates(wanted.map(qualified)))),
      ({ rows }) => new Map(rows.map((row) => [row.name, row]))
    )
    const before = yield* look
    for (const index of wanted) {
      if (!before.has(qualified(index))) {
        yield* database.direct((db) => db.execute(createIndexSql(index, concurrently)))
      }
    }
    const after = yield* look
    const names = (keep: (index: IndexDefinition) => boolean) => wanted.filter(keep).map((index) => index.name)
    return {
      present: names((index) => before.get(qualified(index))?.usable === true),
      created: names((index) => !before.has(qualified(index)) && after.get(qualified(index))?.usable === true),
      missing: names((index) => !after.has(qualified(index))),
      invalid: names((index) => after.get(qualified(index))?.usable === false)
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
  const migrations = yield* Migrator.migrate(options.migrations)
  const changeLog = yield* ensureChangeLog(database)
  const indexes = yield* ensureIndexes(database, options.indexes)
  const statistics = yield* ensureStatistics(database)
  return { database: created, schema, migrations, changeLog, indexes, statistics } satisfies InitResult
})
