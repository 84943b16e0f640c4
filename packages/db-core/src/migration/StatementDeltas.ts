/**
 * Installs the store of statement statistics, which `catalog/StatementDeltas.ts` fills and reads.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { internalSchema } from "../catalog/internalSchema.ts"
import { storePresent } from "../catalog/statementStoreQueries.ts"
import { Database } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { internalSchemaSql } from "./internalSchema.ts"
import { statementDeltasSql } from "./statementDeltasSql.ts"

/**
 * Creates what is missing. Says whether there was anything to do. Fails with `InsufficientPrivilege` for a role that
 * may not create a schema.
 */
export const install: Effect.Effect<boolean, DbError, Database> = Effect.gen(function*() {
  const database = yield* Database
  return yield* database.transaction((tx) =>
    Effect.gen(function*() {
      // Two at once, and one of them gets a unique violation from the catalog.
      yield* tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${internalSchema}, 0))`)
      const { rows: [row] } = yield* tx.execute<{ present: boolean }>(sql.raw(storePresent))
      if (row?.present === true) return false
      for (const statement of [...internalSchemaSql, ...statementDeltasSql]) yield* tx.execute(sql.raw(statement))
      return true
    })
  )
})
