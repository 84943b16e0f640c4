/**
 * Creates the configured database when the server does not have it, from a connection to `postgres`.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DbConfig } from "../config/DbConfig.ts"
import { Database } from "../connection/Database.ts"
import { Observations } from "../connection/Observations.ts"
import { Pool } from "../connection/Pool.ts"
import { StatementRunner } from "../connection/StatementRunner.ts"
import { Driver } from "../driver/Driver.ts"
import type { DbError } from "../errors/DbError.ts"

/** The database that every server has and `createdb` connects to as well. */
const maintenanceDatabase = "postgres"

const existing = Effect.gen(function*() {
  const driver = yield* Driver
  const session = yield* driver.connect
  yield* session.close
})

const create = Effect.gen(function*() {
  const { target } = yield* DbConfig
  const elsewhere = Layer.effect(
    DbConfig,
    Effect.map(DbConfig, (config) => ({ ...config, target: { ...target, database: maintenanceDatabase } }))
  )
  const layer = Database.layerNoDeps({}).pipe(
    Layer.provide(StatementRunner.layerNoDeps()),
    Layer.provide(Pool.layerNoDeps()),
    Layer.provide(Driver.layerNoDeps()),
    Layer.provide(Observations.layer()),
    Layer.provide(elsewhere)
  )
  return yield* Effect.scoped(Effect.flatMap(Layer.build(layer), (context) =>
    Effect.gen(function*() {
      const database = yield* Database
      yield* database.query((db) => db.execute(sql`create database ${sql.identifier(target.database)}`))
      return true
    }).pipe(
      // Somebody else was first: 42P04 when they had finished, 23505 when both were at it.
      Effect.catchIf(
        (error) => error.reason.sqlState === "42P04" || error.reason.sqlState === "23505",
        () => Effect.succeed(false)
      ),
      Effect.provideContext(context)
    )))
})

/** Returns whether this call created it. An embedded database is its directory, and always there. */
export const createDatabase: Effect.Effect<
  { readonly name: string; readonly created: boolean },
  DbError,
  DbConfig | Driver
> = Effect.gen(function*() {
  const { target } = yield* DbConfig
  if (target.kind === "embedded") return { name: target.database, created: false }
  const created = yield* existing.pipe(
    Effect.as(false),
    Effect.catchReason("DbError", "DatabaseMissing", () => create)
  )
  return { name: target.database, created }
})
