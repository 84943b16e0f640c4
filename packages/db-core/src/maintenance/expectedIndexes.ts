/**
 * What Postgres would call the indexes that must exist: each is built on an empty temporary copy of its table, in a
 * transaction that is rolled back, and described by the server itself. Comparing texts of ours with its own would call
 * every cast, operator class and default that it writes differently a drift.
 */
import * as Effect from "effect/Effect"
import { createIndexText, type IndexDefinition } from "../catalog/IndexDefinition.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import { indexBody } from "./IndexState.ts"

export interface Expected {
  /** As `IndexState.body`; null when it could not be told. */
  readonly body: string | null
  readonly isUnique: boolean
}

/** Of each index by `key`: what the server makes of it, or why it would refuse it. */
export type ExpectedIndexes = ReadonlyMap<string, Expected | DbError>

export const keyOf = ({ name, schema }: { readonly schema: string; readonly name: string }): string =>
  JSON.stringify([schema, name])

/** Milliseconds. */
const briefly = 100

const described = `
select ${indexBody} as body, i.indisunique as "isUnique"
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace tn on tn.oid = t.relnamespace
where i.indrelid = 'pg_temp.ems_copy'::regclass`

/**
 * `tables` are the definitions' tables as they stand in SQL, by `key`. On `connection`, which must not be in a
 * transaction. Writes nothing that stays; needs the right to make temporary tables. A definition that the server
 * refuses is answered with its error.
 */
export const expectedIndexes = (
  connection: WireConnection,
  wanted: ReadonlyArray<readonly [definition: IndexDefinition, tableSql: string]>
): Effect.Effect<ExpectedIndexes, DbError> => {
  const run = (sql: string) => connection.execute("raw", sql, [], false)
  const describe = ([definition, tableSql]: readonly [IndexDefinition, string]) =>
    Effect.gen(function*() {
      yield* run(`create temporary table ems_copy (like ${tableSql}) on commit drop`)
      yield* run(createIndexText(definition, { concurrently: false, on: "pg_temp.ems_copy" }))
      const [row] = yield* connection.rows<Expected>(described)
      return row ?? { body: null, isUnique: definition.unique }
    }).pipe(
      // A refusal ends the transaction: what was done since the savepoint is undone either way.
      Effect.catchIf((error) => error.fate === "Refused" || error.fate === "RolledBack", Effect.succeed),
      Effect.tap(run("rollback to savepoint ems_copy"))
    )
  return Effect.gen(function*() {
    const found = new Map<string, Expected | DbError>()
    if (wanted.length === 0) return found
    yield* run("begin read write")
    // Copying a table waits for who has it locked: a plan says who that is instead.
    yield* run(`set local lock_timeout = ${briefly}`)
    yield* run("savepoint ems_copy")
    for (const one of wanted) found.set(keyOf(one[0]), yield* describe(one))
    return found
  }).pipe(
    Effect.ensuring(
      Effect.suspend(() => connection.session.isLost ? Effect.void : Effect.ignore(run("rollback")))
    )
  )
}

/** The definition as it stands in CREATE INDEX, for reports. */
export const wantedText = (definition: IndexDefinition): string =>
  createIndexText(definition, { concurrently: false }).replace(/^c/, "C")
