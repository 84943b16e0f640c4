/**
 * Installs the change log that the query cache reads, and puts tables under it.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { internalSchema } from "../catalog/internalSchema.ts"
import { Database } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { changeLogSql, ddlTriggersSql } from "./changeLogSql.ts"
import { internalSchemaSql } from "./internalSchema.ts"

/** The locks of CREATE TRIGGER wait for writers as long as those take. */
const noLimit = { timeout: Number.POSITIVE_INFINITY }

/** Creates what is missing. Fails with `PermissionDenied` for a role that may not create a schema. */
export const install: Effect.Effect<void, DbError, Database> = Effect.gen(function*() {
  const database = yield* Database
  yield* database.transaction((tx) =>
    Effect.gen(function*() {
      // Two at once, and one of them gets a unique violation from the catalog.
      yield* tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${internalSchema}, 0))`)
      for (const statement of [...internalSchemaSql, ...changeLogSql, ddlTriggersSql]) {
        yield* tx.execute(sql.raw(statement))
      }
      yield* tx.execute(sql`select ${sql.raw(internalSchema)}.begin_epoch()`)
    }), noLimit)
})

/** Puts tables, with their partitions and children, under the log. Names as in SQL, such as `public.users`. */
export const track = (tables: ReadonlyArray<string>): Effect.Effect<void, DbError, Database> =>
  Effect.gen(function*() {
    const database = yield* Database
    // One transaction each, in which only that table is locked.
    for (const table of tables) {
      yield* database.transaction(
        (tx) => tx.execute(sql`select ${sql.raw(internalSchema)}.track(${table}::text::regclass)`),
        noLimit
      )
    }
  })

/** Takes tables out of the log again. */
export const untrack = (tables: ReadonlyArray<string>): Effect.Effect<void, DbError, Database> =>
  Effect.gen(function*() {
    const database = yield* Database
    for (const table of tables) {
      yield* database.transaction(
        (tx) => tx.execute(sql`select ${sql.raw(internalSchema)}.untrack(${table}::text::regclass)`),
        noLimit
      )
    }
  })
