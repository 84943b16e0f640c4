/**
 * Where the feed's polls are answered: on a connection of its own, so that they do not wait for callers; of an embedded
 * database on the one session that there is.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import {
  type ChangePoll,
  changePoll,
  changePollDetailed,
  changePollDetailedGuarded,
  changePollGuarded
} from "../../catalog/changePoll.ts"
import { internalSchema } from "../../catalog/internalSchema.ts"
import type { StatementRunner } from "../../connection/StatementRunner.ts"
import type { WireConnection } from "../../driver/WireConnection.ts"
import type { DbError } from "../../errors/DbError.ts"
import type { FeedSource } from "./Feed.ts"
import type { Snapshot } from "./Snapshot.ts"

/** A poll that takes longer is given up with its connection. Milliseconds. */
const timeout = 200

/** Above every transaction: nothing is asked for when there is no earlier snapshot. */
const neverReached = "9223372036854775807"

const beginEpochSql = `select ${internalSchema}.begin_epoch()`

const parameters = (since: Snapshot | undefined) =>
  since === undefined ? [neverReached, ""] : [String(since.xmax), since.running.join(",")]

/** What a poll tells of a change: the table, or the transactions too. */
interface Questions {
  readonly plain: string
  readonly guarded: string
}
const brief: Questions = { plain: changePoll, guarded: changePollGuarded }
const detailed: Questions = { plain: changePollDetailed, guarded: changePollDetailedGuarded }

const askOn = (
  connection: WireConnection,
  questions: Questions,
  since: Snapshot | undefined,
  guarded: boolean,
  until?: number
) =>
  Effect.map(
    // Not by a prepared name: planned once for all snapshots it would read the whole log.
    connection.rows<ChangePoll>(guarded ? questions.guarded : questions.plain, parameters(since), until),
    // It has no FROM.
    ([row]) => row!
  )

/** `reconnected` is called for each connection after the first; `isDetailed` asks for the transactions too. */
export const dedicated = (
  open: StatementRunner["Service"]["feed"],
  reconnected: () => void,
  isDetailed = false
): Effect.Effect<FeedSource, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const questions = isDetailed ? detailed : brief
    let current: WireConnection | undefined
    yield* Effect.addFinalizer(() => current?.session.close ?? Effect.void)
    const drop = Effect.suspend(() => {
      const connection = current
      current = undefined
      return connection?.session.destroy ?? Effect.void
    })
    const ready = Effect.suspend(() => {
      if (current !== undefined && !current.session.isLost) return Effect.void
      return Effect.map(open, (connection) => {
        current = connection
        reconnected()
      })
    })
    const using = <A>(use: (connection: WireConnection, until: number) => Effect.Effect<A, DbError>) =>
      Effect.suspend(() => use(current!, clock.currentTimeMillisUnsafe() + timeout)).pipe(
        Effect.tapError(() => drop)
      )
    return {
      ready,
      ask: (since, guarded) => using((connection, until) => askOn(connection, questions, since, guarded, until)),
      beginEpoch: Effect.asVoid(using((connection, until) => connection.rows(beginEpochSql, [], until)))
    }
  })

export const borrowed = ({ statements }: StatementRunner["Service"]): FeedSource => ({
  ready: Effect.void,
  ask: (since, guarded) =>
    Effect.scoped(Effect.flatMap(statements.quiet, (connection) => askOn(connection, brief, since, guarded))),
  beginEpoch: Effect.scoped(
    Effect.flatMap(statements.quiet, (connection) => Effect.asVoid(connection.rows(beginEpochSql)))
  )
})
