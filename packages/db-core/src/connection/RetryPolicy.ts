/**
 * When to try again, and when that is safe. Two questions decide: may it go away by itself (`isTransient`), and what
 * became of the statement (`fate`). The SQLSTATE alone never does.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type DbError, isDbError } from "../errors/DbError.ts"
import type { ReasonTag } from "../errors/SqlState.ts"
import * as Retries from "../telemetry/Retries.ts"

/**
 * Waits between attempts at a connection or a read: 50 ms doubling to at most 2 s, each varied by a fifth so that
 * callers who failed together do not come back together; four retries, under a second in all.
 */
export const reconnect = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 4 })
)

/** Waits between attempts at a transaction that lost against another: 5 ms doubling to at most 500 ms, eight retries. */
export const contention = Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("500 millis")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 8 })
)

/** Failures of reaching the server. Not those of waiting for the pool: trying again would only lengthen the queue. */
const reaching: ReadonlySet<ReasonTag> = new Set<ReasonTag>([
  "ConnectFailed",
  "ConnectionLost",
  "ComputeWaking",
  "ResourceExhausted"
])

const isRefusedByStandby = (error: DbError): boolean =>
  error.reason._tag === "NotPrimary" && (error.fate === "Refused" || error.fate === "RolledBack")

/**
 * No byte of it was sent, and the server may be reached next time. What a standby refused was as good as not sent: the
 * next connection may be to the primary.
 */
export const wasNotSent = (error: DbError): boolean =>
  (error.fate === "NotSent" && reaching.has(error.reason._tag)) || isRefusedByStandby(error)

/** The connection went away, whatever became of the statement: enough for one that the server keeps from writing. */
export const wasLost = (error: DbError): boolean =>
  error.reason._tag === "ConnectionLost" || (error.reason._tag === "Serialization" && error.fate === "Refused")

/** The server undid the transaction because of another one: PostgreSQL documentation, 13.5, says to run all of it again. */
const lostAgainstAnother = (error: DbError): boolean =>
  error.reason._tag === "Serialization" || error.reason._tag === "Deadlock"

/** It had no effect, and may succeed if all of it runs again. */
const wasUndone = (error: DbError): boolean =>
  // `NotSent` was tried again where the connection was opened.
  (error.fate === "RolledBack" && reaching.has(error.reason._tag)) || isRefusedByStandby(error)

/** `waits` for as long as `may` says yes. Every attempt that follows is noted. */
export const again = (waits: Schedule.Schedule<unknown>, may: (error: DbError) => boolean) =>
  waits.pipe(
    Schedule.while(({ input }) => isDbError(input) && may(input)),
    // The last: what is stopped above it is not tried again.
    Schedule.tap(({ duration, input }) =>
      isDbError(input) ? Retries.note(input, Duration.toMillis(duration)) : Effect.void
    )
  )

/** For work of which nothing was sent. */
export const unsentAgain = again(reconnect, wasNotSent)

const contendAgain = again(contention, lostAgainstAnother)

const undoneAgain = again(reconnect, wasUndone)

/** Runs all of a transaction again while it surely had no effect. For closures without effects outside the database. */
export const rerun = <A, E, R>(transaction: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  transaction.pipe(Effect.retry(contendAgain), Effect.retry(undoneAgain))
