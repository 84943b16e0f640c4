/** Counters of one process. Effect's own store, but that it forgets: an attacker may have any number of addresses. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { LRUCache } from "lru-cache"

/** Keys; those used longest ago are forgotten. */
const maxKeys = 100_000

interface Counter {
  count: number
  expiresAt: number
}

export const layer = Layer.effect(
  RateLimiter.RateLimiterStore,
  Effect.map(RateLimiter.RateLimiterStore, (store) => {
    const counters = new LRUCache<string, Counter>({ max: maxKeys })
    return RateLimiter.RateLimiterStore.of({
      ...store,
      // As in `RateLimiter.layerStoreMemory`.
      fixedWindow: ({ key, limit, refillRate, tokens }) =>
        Effect.clockWith((clock) =>
          Effect.sync(() => {
            const now = clock.currentTimeMillisUnsafe()
            let counter = counters.get(key)
            if (counter === undefined || counter.expiresAt <= now) {
              counter = { count: 0, expiresAt: now }
              counters.set(key, counter)
            }
            if (limit !== undefined && counter.count + tokens > limit) {
              return [counter.count + tokens, counter.expiresAt - now] as const
            }
            counter.count += tokens
            counter.expiresAt += Duration.toMillis(refillRate) * tokens
            return [counter.count, counter.expiresAt - now] as const
          })
        )
    })
  })
).pipe(Layer.provide(RateLimiter.layerStoreMemory))
