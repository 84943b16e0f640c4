/**
 * Installs the change log that the query cache reads, and puts tables under it.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { internalSchema } from "../catalog/internalSchema.ts"
import { definitionsTracked, trackedTables } from "../catalog/relationFacts.ts"
import { Database } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { changeLogSql, ddlTriggersSql } from "./changeLogSql.ts"
import { internalSchemaSql } from "./internalSchema.ts"

/** The locks of CREATE TRIGGER wait for writers as long as those take. */
const noLimit = { timeout: Number.POSITIVE_INFINITY }

/** Differs when what is installed would differ. */
const version = createHash("sha256").update([...changeLogSql, ddlTriggersSql].join("\n")).digest("hex").slice(0, 16)

const versioned = `${internalSchema}.sweep(interval)`

/**
 * Creates what is missing, and replaces what another version made. Says whether there was anything to do. Fails with
 * `PermissionDenied` for a role that may not create a schema.
 */
export const install: Effect.Effect<boolean, DbError, Database> = Effect.gen(function*() {
  const database = yield* Database
  return yield* database.transaction((tx) =>
    Effect.gen(function*() {
      // Two at once, and one of them gets a unique violation from the catalog.
      yield* tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${internalSchema}, 0))`)
      const { rows: [row] } = yield* tx.execute<{ installed: string | null }>(
        sql`select obj_description(to_regprocedure(${versioned}), 'pg_proc') as installed`
      )
      if (row?.installed === version) return false
      for (const statement of [...internalSchemaSql, ...changeLogSql, ddlTriggersSql]) {
        yield* tx.execute(sql.raw(statement))
      }
      yield* tx.execute(sql.raw(`comment on function ${versioned} is '${version}'`))
      yield* tx.execute(sql.raw(`select ${internalSchema}.begin_epoch()`))
      return true
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

export interface Tracked {
  /** Tables whose writes are noted, as `schema.name`, in order. */
  readonly tables: ReadonlyArray<string>
  /** Changed definitions are noted, too. */
  readonly definitions: boolean
}

/** What the log covers. Reads only. */
export const tracked: Effect.Effect<Tracked, DbError, Database> = Effect.gen(function*() {
  const database = yield* Database
  const { rows } = yield* database.query((db) => db.execute<{ name: string }>(sql.raw(trackedTables)))
  const { rows: [row] } = yield* database.query((db) =>
    db.execute<{ definitions: boolean }>(sql.raw(definitionsTracked))
  )
  return { tables: rows.map(({ name }) => name), definitions: row?.definitions === true }
})
