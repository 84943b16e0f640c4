/**
 * Whether the database is what the program and its migrations say: compared with the tables of the relations, and with
 * the dump of a database that was made by the migrations alone, on a scratch server or in memory.
 */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { type SchemaDumpRow, schemaDumpSqlFor } from "../catalog/schemaDump.ts"
import { Database } from "../connection/Database.ts"
import { declaredColumns, declaredParts, nameOf, tablesOf } from "./drift/declaredTables.ts"
import { compare, definitions, type Difference } from "./drift/Difference.ts"
import { isOwn, liveColumns, liveParts } from "./drift/liveParts.ts"

export type { Difference } from "./drift/Difference.ts"

export interface DriftOptions {
  /** Schemas to look at. Default `public`. */
  readonly schemas?: ReadonlyArray<string>
  /**
   * `dump` of a database on which the migrations were run and nothing else; without it they are not compared. Views
   * read alike only on servers of the same version.
   */
  readonly expected?: ReadonlyArray<SchemaDumpRow>
}

/** The structure of the database without what the data layer itself keeps there. Reads only. */
export const dump = Effect.fn("Drift.dump")(function*(schemas: ReadonlyArray<string> = ["public"]) {
  const database = yield* Database
  // Its settings last until the end of their transaction; alone on a connection that is the statement's.
  const { rows } = yield* database.write((db) =>
    db.execute<SchemaDumpRow & Record<string, unknown>>(sql.raw(schemaDumpSqlFor(schemas)))
  )
  return rows.filter((row) => !isOwn(row))
})

const ofDump = (rows: ReadonlyArray<SchemaDumpRow>) =>
  definitions(rows.map(({ definition, kind, name }) => ({ kind, object: name, text: definition })))

const againstTables = Effect.fnUntraced(function*(schemas: ReadonlyArray<string>) {
  const database = yield* Database
  const tables = tablesOf(database.relations)
  if (tables.length === 0) return []
  const parts = yield* database.query((db) => liveParts(db, schemas))
  const there = new Set(parts.filter(({ kind }) => kind === "table").map(({ object }) => object))
  const known = tables.filter((table) => there.has(nameOf(table)))
  const names = known.map(nameOf)
  // Of a table that is missing, or that nobody declared, that is all there is to say.
  const isOf = (object: string) => names.some((name) => object.startsWith(`${name}.`) || object.startsWith(`${name}:`))
  const compared = compare(
    "tables",
    definitions([
      ...tables.map((table) => ({ kind: "table", object: nameOf(table), text: "table" })),
      ...known.flatMap(declaredParts)
    ]),
    definitions(parts.filter(({ kind, object }) => kind === "table" || isOf(object)))
  )
  if (names.length === 0) return compared
  const columns = yield* database.query((db) => liveColumns(db, names, known.flatMap(declaredColumns)))
  return [
    ...compared,
    ...columns.map((column): Difference => ({ against: "tables", kind: "column", ...column }))
  ]
})

/** Every difference; none when there is no drift. Reads only. */
export const drift = Effect.fn("Migrator.drift")(function*({ expected, schemas = ["public"] }: DriftOptions = {}) {
  const tables = yield* againstTables(schemas)
  if (expected === undefined) return tables
  const actual = yield* dump(schemas)
  const differences = compare("migrations", ofDump(expected.filter((row) => !isOwn(row))), ofDump(actual))
  return [...tables, ...differences]
})
