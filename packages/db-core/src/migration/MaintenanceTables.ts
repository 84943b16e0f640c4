/**
 * Installs the tables in which maintenance keeps its jobs and their history.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { internalSchema } from "../catalog/internalSchema.ts"
import { Database } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { internalSchemaSql } from "./internalSchema.ts"
import { maintenanceSql } from "./maintenanceSql.ts"

/**
 * Creates what is missing; says whether there was anything to do. Without these tables maintenance runs all the same,
 * and keeps no records. Fails with `InsufficientPrivilege` for a role that may not create a schema.
 */
export const install: Effect.Effect<boolean, DbError, Database> = Effect.gen(function*() {
  const database = yield* Database
  return yield* database.transaction((tx) =>
    Effect.gen(function*() {
      // Two at once, and one of them gets a unique violation from the catalog.
      yield* tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${internalSchema}, 0))`)
      const { rows: [row] } = yield* tx.execute<{ present: boolean }>(
        sql`select to_regclass(${`${internalSchema}.maintenance_step_kind`}) is not null as present`
      )
      if (row?.present === true) return false
      for (const statement of [...internalSchemaSql, ...maintenanceSql]) yield* tx.execute(sql.raw(statement))
      return true
    })
  )
})
