/**
 * Asks Postgres which relations a statement reads and writes: while it parses and rewrites a text it locks every one of
 * them, those under a view too, whatever the parameters will be. Costs five round trips, once for each distinct text.
 */
import * as Effect from "effect/Effect"
import { type FunctionFacts, functionFacts, type RelationFacts, relationFacts } from "../../catalog/relationFacts.ts"
import type { Statements } from "../../driver/Statements.ts"
import type { WireConnection } from "../../driver/WireConnection.ts"
import type { DbError } from "../../errors/DbError.ts"
import type { Lock } from "./Analysis.ts"
import { Model } from "./Model.ts"

/** Above PREPARE's own name nothing of ours stays at the server. */
const name = "ems_oracle"

/** A statement that waits for somebody's ALTER TABLE is not learned now. Milliseconds. */
const patience = 1000

/** Without those that this question locks itself. */
const locksSql = `
select l.relation::int8 as oid, l.mode, c.relnamespace::regnamespace::text in ('pg_catalog', 'information_schema') as catalog
from pg_locks l left join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.locktype = 'relation'
  and l.relation not in ('pg_locks'::regclass, 'pg_class'::regclass)
  and not exists (select from pg_index i where i.indexrelid = l.relation)
  and not (l.relation < 16384 and c.relnamespace = 'pg_catalog'::regnamespace and c.relname in ('pg_index', 'pg_namespace'))`

interface LockRow {
  readonly oid: bigint
  readonly mode: string
  readonly catalog: boolean
}

const run = (connection: WireConnection, sql: string) => connection.execute("raw", sql, [], false)

/** On a connection alone, in a transaction that is rolled back. */
export const locksOf = (
  statements: Pick<Statements, "quiet">,
  sql: string
): Effect.Effect<ReadonlyArray<Lock>, DbError> =>
  Effect.scoped(Effect.gen(function*() {
    const connection = yield* statements.quiet
    let isLeft = false
    const asked = Effect.gen(function*() {
      yield* run(connection, "BEGIN READ ONLY")
      yield* run(connection, `SET LOCAL statement_timeout = ${patience}`)
      yield* run(connection, `PREPARE ${name} AS ${sql}`)
      isLeft = true
      const rows = yield* connection.rows<LockRow>(locksSql)
      yield* run(connection, `DEALLOCATE ${name}`)
      isLeft = false
      return rows.map(({ catalog, mode, oid }) => ({ oid: Number(oid), mode, catalog }))
    })
    return yield* Effect.onExit(asked, () =>
      connection.session.isLost
        ? Effect.void
        // What is left there must not be met by the next one. A transaction that is left the pool finds itself.
        : isLeft
        ? connection.session.destroy
        : Effect.ignore(run(connection, "ROLLBACK")))
  }))

export const loadModel = (statements: Pick<Statements, "quiet">): Effect.Effect<Model, DbError> =>
  Effect.scoped(Effect.gen(function*() {
    const connection = yield* statements.quiet
    return new Model(
      yield* connection.rows<RelationFacts>(relationFacts),
      yield* connection.rows<FunctionFacts>(functionFacts)
    )
  }))
