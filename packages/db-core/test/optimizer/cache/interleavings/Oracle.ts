/** Answers what the registry asks of Postgres about the two texts of this model, at once. */
import * as Effect from "effect/Effect"
import { functionFacts, type RelationFacts, relationFacts } from "../../../../src/catalog/relationFacts.ts"
import type { Statements } from "../../../../src/driver/Statements.ts"
import type { WireConnection } from "../../../../src/driver/WireConnection.ts"
import { tableOid } from "./ModelDatabase.ts"

export const readSql = "select author from writes where query = $1"
export const writeSql = "update writes set author = $1"

const table: RelationFacts = {
  oid: BigInt(tableOid),
  schema: "public",
  name: "writes",
  kind: "r",
  rowSecurity: false,
  tracked: true,
  triggers: false,
  subscribed: false,
  parents: null,
  cascades: null,
  policies: null,
  definition: null
}

const answer = (sql: string, prepared: string): ReadonlyArray<object> => {
  if (sql === relationFacts) return [table]
  if (sql === functionFacts || !sql.includes("pg_locks")) return []
  const mode = prepared.endsWith(writeSql) ? "RowExclusiveLock" : "AccessShareLock"
  return [{ oid: BigInt(tableOid), mode, catalog: false }]
}

export const quiet: Statements["quiet"] = Effect.sync(() => {
  let prepared = ""
  const rows = (sql: string) =>
    Effect.sync(() => {
      if (sql.startsWith("PREPARE")) prepared = sql
      return answer(sql, prepared)
    })
  const connection = {
    session: { isLost: false },
    rows,
    execute: (_mode: "raw", sql: string) => Effect.map(rows(sql), (rows) => ({ rows }))
  }
  // Nothing else of a connection is used to learn a statement.
  return connection as unknown as WireConnection
})
