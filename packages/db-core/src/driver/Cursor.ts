/**
 * Streams a query through a server-side cursor: bounded memory on both sides, rows by position (so that joined
 * columns of the same name stay apart), and it works behind a pooler because the transaction pins the server session.
 */
import { fillPlaceholders } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DbError } from "../errors/DbError.ts"
import type { Session } from "./Session.ts"
import type { Statements } from "./Statements.ts"
import type { WireConnection } from "./WireConnection.ts"

/** A Drizzle query that can be prepared, such as a select builder. */
export interface Streamable {
  readonly prepare: (name: string) => unknown
}

/** What `prepare` gives, with the members that the declarations mark internal. */
interface Prepared<Row> {
  readonly query: { readonly sql: string; readonly params: Array<unknown> }
  readonly mapper: (rows: ReadonlyArray<ReadonlyArray<unknown>>) => ReadonlyArray<Row>
}

/** Bounds the time of one step that works on `session`. */
export type Limit = <A>(session: Session, step: Effect.Effect<A, DbError>) => Effect.Effect<A, DbError>

/** The caller's transaction if there is one, so that the stream sees its writes; a read-only one of our own if not. */
const transaction = (statements: Statements, limit: Limit): Effect.Effect<WireConnection, DbError, Scope.Scope> =>
  Effect.gen(function*() {
    const current = yield* Effect.withFiber((fiber) => Effect.succeed(statements.current(fiber)))
    if (current !== undefined) return current
    const connection = yield* statements.lease
    yield* limit(connection.session, connection.execute("raw", "BEGIN READ ONLY", []))
    yield* Effect.addFinalizer(() =>
      connection.session.isLost
        ? Effect.void
        // It only read; if even this fails the pool finds the open transaction and drops the connection.
        : Effect.ignore(limit(connection.session, connection.execute("raw", "ROLLBACK", [])))
    )
    return connection
  })

let cursors = 0

/** Rows of `query`, `batch` at a time, as they are asked for; each batch within `limit`. */
export const stream = <Row>(
  statements: Statements,
  query: Streamable,
  batch: number,
  limit: Limit
): Stream.Stream<Row, DbError> =>
  Stream.unwrap(Effect.gen(function*() {
    const prepared = query.prepare("stream") as Prepared<Row>
    const connection = yield* transaction(statements, limit)
    const name = `ems_stream_${cursors++}`
    const { session } = connection
    yield* limit(
      session,
      connection.execute(
        "raw",
        `DECLARE ${name} NO SCROLL CURSOR FOR ${prepared.query.sql}`,
        fillPlaceholders(prepared.query.params, {}),
        false
      )
    )
    yield* Effect.addFinalizer(() =>
      session.isLost || session.status !== "T"
        ? Effect.void
        : Effect.ignore(limit(session, connection.execute("raw", `CLOSE ${name}`, [], false)))
    )
    const fetch = limit(session, connection.execute("arrays", `FETCH ${batch} FROM ${name}`, [], false))
    return Stream.paginate(undefined, () =>
      Effect.map(fetch, (rows) => [
        prepared.mapper(rows),
        rows.length < batch ? Option.none<undefined>() : Option.some(undefined)
      ]))
  }))
