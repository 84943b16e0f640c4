/**
 * Opens connections through a circuit breaker: while the server cannot be reached, callers are told at once and the
 * server is not besieged. One attempt at a time finds out whether it is back.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Driver } from "../../driver/Driver.ts"
import type { Session } from "../../driver/Session.ts"
import { DbError, isDbError } from "../../errors/DbError.ts"
import type { Counters, PoolSnapshot } from "./Snapshot.ts"

/** Attempts that fail in a row open the circuit. */
const failuresUntilOpen = 5

/** How long it stays open: 100 ms, doubling to at most 1 s, varied by a fifth so that processes do not come together. */
const openDuration = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("1 second")]).pipe(
  Schedule.jittered
)

const key = "connect"

const states: { readonly [Tag in CircuitBreaker.State["_tag"]]: PoolSnapshot["circuit"] } = {
  Closed: "closed",
  Open: "open",
  HalfOpen: "half-open"
}

export interface Connector {
  /** Fails as the last attempt did while the circuit is open, without an attempt. */
  readonly connect: Effect.Effect<Session, DbError>
  readonly circuit: Effect.Effect<PoolSnapshot["circuit"]>
}

export const make = (
  driver: Driver["Service"],
  counters: Counters
): Effect.Effect<Connector, never, Scope.Scope | CircuitBreaker.CircuitBreakerStore> =>
  Effect.gen(function*() {
    const breaker = yield* CircuitBreaker.make({
      tripPolicy: CircuitBreaker.consecutive(failuresUntilOpen),
      openDuration
    })
    let last: DbError["reason"] | undefined
    const attempt = Effect.tapError(driver.connect, (error) =>
      Effect.sync(() => {
        counters.connectFailures++
        counters.lastConnectError = `${error.reason._tag}: ${error.reason.message}`
        last = error.reason
      }))
    const refused = (rejected: CircuitBreaker.CircuitBreakerError): DbError => {
      const wait = rejected.reason._tag === "CircuitOpen"
        ? `not tried again for ${Math.ceil(Duration.toMillis(rejected.reason.retryAfter))} ms`
        : "one attempt is under way"
      return DbError.of(last?._tag ?? "ConnectFailed", "NotSent", "connect", {
        ...last,
        message: `${last?.message ?? "the server cannot be reached"} (${failuresUntilOpen} or more in a row; ${wait})`
      })
    }
    return {
      connect: Effect.mapError(
        breaker.execute(attempt, { key }),
        (error) => isDbError(error) ? error : refused(error)
      ),
      circuit: breaker.state(key).pipe(
        Effect.map(({ _tag }) => states[_tag]),
        // The store is in memory.
        Effect.orElseSucceed(() => "closed" as const)
      )
    }
  })
