/**
 * How often somebody may ask. Counted by effect's rate limiter, in this process or in Redis; tokens are taken from it
 * some at a time, so that a request mostly costs a look into a map.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { LRUCache } from "lru-cache"

/**
 * - `address`: all requests of one address.
 * - `principal`: all requests of one account or token.
 * - `failure`: credentials that were no good, of one address.
 * - `login`: logins and refreshes, of one address.
 * - `account`: logins to one account, from wherever.
 */
export type LimitKind = "address" | "principal" | "failure" | "login" | "account"

/** Requests a minute; 0 for no limit. */
export type LimitSettings = { readonly [Kind in LimitKind]: number }

export interface Limits {
  /** Takes one token. 0 when there was one; else after how many seconds there will be. */
  readonly spend: (kind: LimitKind, key: string) => number | Promise<number>
  /** What `spend` last refused: for how many seconds it still would. Takes nothing. */
  readonly refused: (kind: LimitKind, key: string) => number
}

/** Keys looked after in this process; those used longest ago are forgotten. An attacker may have any number. */
const maxKeys = 20_000

/** Tokens taken at once are this part of a minute's, at most `maxBatch`: what a restart or an idle key forfeits. */
const batchPart = 1 / 20
const maxBatch = 50

/** Tokens taken and not used are void after this time. Milliseconds. */
const batchLife = 5000

interface Allotment {
  left: number
  until: number
}

const window = Duration.minutes(1)

const inSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))

export class RateLimits extends Context.Service<RateLimits, Limits>()("@ems/api/limits/RateLimits") {
  static readonly layerNoDeps = (settings: LimitSettings) => Layer.effect(RateLimits, make(settings))
}

const make = Effect.fnUntraced(function*(settings: LimitSettings) {
  const limiter = yield* RateLimiter.make
  const clock = yield* Effect.clockWith(Effect.succeed)
  const run = Effect.runForkWith(yield* Effect.context())
  const allotments = new LRUCache<string, Allotment>({ max: maxKeys })
  const refusals = new LRUCache<string, number>({ max: maxKeys })

  const take = (key: string, limit: number, tokens: number) =>
    Effect.match(limiter.consume({ key, limit, window, tokens }), {
      onSuccess: () => ({ tokens, wait: 0 }),
      onFailure: ({ reason }) => ({
        tokens: 0,
        // A store that does not answer stops nobody.
        wait: reason._tag === "RateLimitExceeded" ? Duration.toMillis(reason.retryAfter) : 0
      })
    })

  const refill = (key: string, limit: number): Effect.Effect<number> => {
    const batch = Math.min(maxBatch, Math.max(1, Math.floor(limit * batchPart)))
    return take(key, limit, batch).pipe(
      // The last ones of a minute.
      Effect.flatMap((taken) => taken.wait > 0 && batch > 1 ? take(key, limit, 1) : Effect.succeed(taken)),
      Effect.map(({ tokens, wait }) => {
        const now = clock.currentTimeMillisUnsafe()
        if (wait > 0) {
          refusals.set(key, now + wait)
          return inSeconds(wait)
        }
        if (tokens > 1) allotments.set(key, { left: tokens - 1, until: now + batchLife })
        return 0
      })
    )
  }

  const keyOf = (kind: LimitKind, key: string) => `${kind}:${key}`

  return {
    spend: (kind, of) => {
      const limit = settings[kind]
      if (limit === 0) return 0
      const key = keyOf(kind, of)
      const allotment = allotments.get(key)
      if (allotment !== undefined && allotment.left > 0 && allotment.until > clock.currentTimeMillisUnsafe()) {
        allotment.left--
        return 0
      }
      const fiber = run(refill(key, limit))
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return Exit.isSuccess(exit) ? exit.value : 0
      return new Promise((resolve) => fiber.addObserver((exit) => resolve(Exit.isSuccess(exit) ? exit.value : 0)))
    },
    refused: (kind, of) => {
      const key = keyOf(kind, of)
      const until = refusals.get(key)
      if (until === undefined) return 0
      const left = until - clock.currentTimeMillisUnsafe()
      if (left > 0) return inSeconds(left)
      refusals.delete(key)
      return 0
    }
  } satisfies Limits
})
