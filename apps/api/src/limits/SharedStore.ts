/**
 * Counters that all processes share, in Redis or Valkey. While it does not answer each process counts alone: whoever
 * may ask must not wait for it.
 */
import * as RedisConnection from "@ems/db-core/connection/RedisConnection"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redis from "effect/persistence/Redis"
import type * as Redacted from "effect/Redacted"
import * as MemoryStore from "./MemoryStore.ts"

/** What a request may lose to Redis. Milliseconds. */
const budget = 100

/** The limiter runs scripts; it neither subscribes nor takes a connection for itself. */
const unused = Effect.fail(new Redis.RedisError({ cause: "not used" }))

const make = Effect.fnUntraced(function*(url: Redacted.Redacted) {
  const { current } = yield* RedisConnection.make(url)
  const alone = yield* RateLimiter.RateLimiterStore

  const send = <A>(command: string, ...args: ReadonlyArray<string>): Effect.Effect<A, Redis.RedisError> =>
    Effect.suspend(() => {
      const session = current()
      if (session === undefined) return Effect.fail(new Redis.RedisError({ cause: "no connection" }))
      return Effect.tryPromise({
        // Whoever wrote the script says what it answers.
        try: () => session.client.sendCommand<A>([command, ...args]),
        catch: (cause) => new Redis.RedisError({ cause })
      }).pipe(
        Effect.timeoutOrElse({
          duration: budget,
          orElse: () => {
            // What comes after it would come late as well.
            session.restart()
            return Effect.fail(new Redis.RedisError({ cause: "timeout" }))
          }
        })
      )
    })

  const redis = yield* Redis.make({ send, subscribe: () => unused, connect: unused })
  const shared = yield* Effect.provideService(
    RateLimiter.makeStoreRedis({ prefix: "ems:limit:" }),
    Redis.Redis,
    redis
  )
  return RateLimiter.RateLimiterStore.of({
    ...shared,
    fixedWindow: (options) => Effect.catch(shared.fixedWindow(options), () => alone.fixedWindow(options))
  })
})

export const layer = (url: Redacted.Redacted): Layer.Layer<RateLimiter.RateLimiterStore> =>
  Layer.effect(RateLimiter.RateLimiterStore, make(url)).pipe(Layer.provide(MemoryStore.layer))
