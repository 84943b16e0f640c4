/** How long this process was too busy to look at what had come. What it costs is in every latency it measures. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Between two looks. Milliseconds. */
const step = 10

/** What `effect` gives, and the longest stall of the event loop meanwhile, in milliseconds. */
export const withLongestStall = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    let last = clock.currentTimeNanosUnsafe()
    let longest = 0
    const look = Effect.sync(() => {
      const now = clock.currentTimeNanosUnsafe()
      longest = Math.max(longest, Number(now - last) / 1e6 - step)
      last = now
    })
    const looks = yield* Effect.forkChild(Effect.forever(Effect.andThen(Effect.sleep(step), look)))
    const result = yield* Effect.ensuring(effect, Fiber.interrupt(looks))
    // What happened since the last look.
    yield* look
    return [result, longest] as const
  })
