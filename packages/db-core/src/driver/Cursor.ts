/**
 * Streams a query through a server-side cursor: bounded memory on both sides, rows by position (so that joined
 * columns of the same name stay apart), and it works behind a pooler because the transaction pins the server session.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { fillPlaceholders } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { WireConnection } from "./WireConnection.ts"

/** A Drizzle query that can be prepared, such as a select builder. */
export interface Streamable {
  readonly prepare: (name: string) => unknown
}

/** What `prepare` gives, with the members that the declarations mark internal. */
interface Prepared<Row> {
  readonly query: { readonly sql: string; readonly params: Array<unknown> }
  readonly mapper: (rows: ReadonlyArray<ReadonlyArray<unknown>>) => ReadonlyArray<Row>
}

/** The caller's transaction if there is one, so that the stream sees its writes; a read-only one of our own if not. */
const transaction = (client: PgClient): Effect.Effect<Connection, SqlError, Scope.Scope> =>
  Effect.flatMap(
    Effect.serviceOption(client.transactionService),
    Option.match({
      onSome: ([connection]) => Effect.succeed(connection),
      onNone: () =>
        Effect.gen(function*() {
          const connection = yield* client.reserve
          yield* connection.execute("BEGIN READ ONLY", [], undefined)
          yield* Effect.addFinalizer(() =>
            connection instanceof WireConnection && connection.session.isLost
              ? Effect.void
              // It only read; if even this fails the pool finds the open transaction and drops the connection.
              : Effect.ignore(connection.execute("ROLLBACK", [], undefined))
          )
          return connection
        })
    })
  )

let cursors = 0

/** Rows of `query`, `batch` at a time, as they are asked for. */
export const stream = <Row>(
  client: PgClient,
  query: Streamable,
  batch: number
): Stream.Stream<Row, SqlError> =>
  Stream.unwrap(Effect.gen(function*() {
    const prepared = query.prepare("stream") as Prepared<Row>
    const connection = yield* transaction(client)
    const name = `ems_stream_${cursors++}`
    yield* connection.executeValuesUnprepared(
      `DECLARE ${name} NO SCROLL CURSOR FOR ${prepared.query.sql}`,
      fillPlaceholders(prepared.query.params, {})
    )
    yield* Effect.addFinalizer(() =>
      connection instanceof WireConnection && (connection.session.isLost || connection.session.status !== "T")
        ? Effect.void
        : Effect.ignore(connection.executeUnprepared(`CLOSE ${name}`, [], undefined))
    )
    const fetch = connection.executeValuesUnprepared(`FETCH ${batch} FROM ${name}`, [])
    return Stream.paginate(undefined, () =>
      Effect.map(fetch, (rows) => [
        prepared.mapper(rows),
        rows.length < batch ? Option.none<undefined>() : Option.some(undefined)
      ]))
  }))
