/**
 * Questions over one session that always end: a server that falls silent costs the limit and its connection.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Answer, available, type CatalogQuery } from "../catalog/CatalogQuery.ts"
import { readServerFacts, type ServerFacts } from "../catalog/ServerFacts.ts"
import type { Alarms } from "../driver/Budget.ts"
import type { Backend } from "../driver/Capabilities.ts"
import type { Session } from "../driver/Session.ts"
import { none } from "../driver/StatementHooks.ts"
import { WireConnection } from "../driver/WireConnection.ts"
import { DbError } from "../errors/DbError.ts"

/** No statement here has a deadline of its own: the whole step has one. */
const noAlarms: Alarms = { set: () => {}, clear: () => {}, suspect: () => {} }

export interface Conversation {
  readonly session: Session
  /** What the server is, asked once. */
  readonly server: ServerFacts
  readonly ask: <Row>(query: CatalogQuery<Row>) => Effect.Effect<Answer<Row>, DbError>
  /** The first row of a query that always has one. */
  readonly one: <Row>(query: CatalogQuery<Row>) => Effect.Effect<Row, DbError>
  /** An answer and nothing else, in milliseconds. */
  readonly roundTrip: Effect.Effect<number, DbError>
}

const silent = DbError.of("ConnectionLost", "Unknown", "query", { message: "the server fell silent" })

/**
 * `effect`, or an error after `limitMs`. A statement on its way cannot be interrupted: cutting the socket ends it, also
 * when whoever waits goes away.
 */
const bounded = <A>(
  session: Session,
  limitMs: number,
  effect: Effect.Effect<A, DbError>
): Effect.Effect<A, DbError> =>
  Effect.suspend(() => {
    let isOver = false
    let isCut = false
    const done = Effect.sync(() => {
      isOver = true
    })
    const cut = Effect.suspend(() => {
      if (isOver) return Effect.void
      isCut = true
      return session.destroy
    })
    return Effect.raceFirst(
      // It fails as soon as the socket is cut, for that reason.
      Effect.onExit(Effect.mapError(effect, (error) => isCut ? silent : error), () => done),
      Effect.sleep(limitMs).pipe(
        Effect.andThen(cut),
        Effect.andThen(Effect.fail(silent)),
        Effect.onInterrupt(() => cut)
      )
    )
  })

/** `backend` is what the way there allows. Each question is answered within `limitMs`. */
export const converse = (
  session: Session,
  backend: Backend,
  limitMs: number
): Effect.Effect<Conversation, DbError> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const connection = new WireConnection(session, session.connection, "shared", none, clock, noAlarms)
    const server = yield* bounded(session, limitMs, readServerFacts(connection, backend))
    const rows = <Row>(query: CatalogQuery<Row>) => bounded(session, limitMs, connection.rows<Row>(query.sql(server)))
    return {
      session,
      server,
      ask: (query) => {
        const unavailable = query.unavailable?.(server)
        return unavailable === undefined
          ? Effect.map(rows(query), (found) => available(found))
          : Effect.succeed({ isAvailable: false, unavailable })
      },
      one: (query) =>
        Effect.flatMap(rows(query), ([row]) =>
          row === undefined
            ? Effect.fail(DbError.of("ServerError", "Refused", "query", { message: `no answer to ${query.name}` }))
            : Effect.succeed(row)),
      roundTrip: Effect.suspend(() => {
        const sentAt = clock.monotonicTimeNanosUnsafe()
        return Effect.map(
          bounded(session, limitMs, connection.rows("select 1")),
          () => Number(clock.monotonicTimeNanosUnsafe() - sentAt) / 1e6
        )
      })
    }
  })
