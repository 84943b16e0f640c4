/**
 * Clears up behind runs that were cut off, without running what is left: what was done is noted as done, what was not
 * is forgotten, and what nobody can use is taken away.
 */
import type { AnyRelations } from "drizzle-orm"
import * as Effect from "effect/Effect"
import type { Handle } from "../../connection/Database.ts"
import type { Migration } from "../MigrationFiles.ts"
import * as Journal from "./Journal.ts"
import * as Leftovers from "./Leftovers.ts"

/** Says what it found, in sentences. */
export const repairOne = Effect.fnUntraced(
  function*(db: Handle<AnyRelations>, migration: Migration, noted: ReadonlyArray<Journal.Noted>) {
    const rows = noted.filter((row) => row.migration === migration.name)
    yield* Journal.unchanged(migration.name, migration.statements, rows)
    const said: Array<string> = []
    for (const row of rows) {
      const statement = migration.statements[row.ordinal]
      if (row.state !== "started" || statement === undefined) continue
      const what = `${migration.name}: ${statement.command} in line ${statement.line}`
      for (const name of yield* Leftovers.clean(db, statement)) said.push(`dropped the unusable index ${name}`)
      const verdict = yield* Leftovers.look(db, statement, true)
      yield* verdict.do === "nothing"
        ? Journal.finish(db, migration.name, statement)
        : Journal.forget(db, migration.name, statement)
      said.push(`${what} ${verdict.do === "nothing" ? "was done already" : "has to run again"}`)
    }
    return said
  }
)
