/**
 * Makes tables in the schema for everything that the data layer keeps in a database.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { internalSchema } from "../catalog/internalSchema.ts"
import { Database } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { internalSchemaSql } from "./internalSchema.ts"

/**
 * Runs `statements`, which change nothing when run again, unless `last` is there: what the last of them makes. Says
 * whether there was anything to do. Fails with `InsufficientPrivilege` for a role that may not create a schema.
 */
export const installed = (
  last: string,
  statements: ReadonlyArray<string>
): Effect.Effect<boolean, DbError, Database> =>
  Database.use((database) =>
    database.transaction((tx) =>
      Effect.gen(function*() {
        // Two at once, and one of them gets a unique violation from the catalog.
        yield* tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${internalSchema}, 0))`)
        const { rows: [row] } = yield* tx.execute<{ present: boolean }>(
          sql`select to_regclass(${`${internalSchema}.${last}`}) is not null as present`
        )
        if (row?.present === true) return false
        for (const statement of [...internalSchemaSql, ...statements]) yield* tx.execute(sql.raw(statement))
        return true
      })
    )
  )
