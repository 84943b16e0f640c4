/**
 * When to look next: so long after the look before was done, however long that took, so that a server in need is not
 * asked all the time. Later while somebody wants to read in peace.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"

export interface Timing {
  readonly intervalMs: number
  readonly isPaused: boolean
}

export interface Pace {
  /** Waits until the next look is due: asked for when the one before is done. The first one is due at once. */
  readonly due: Effect.Effect<void>
  /** Holds from now on, for who waits already too. */
  readonly set: (timing: Timing) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(initial: Timing) {
  const changed = yield* Queue.sliding<void>(1)
  let timing = initial
  let isFirst = true

  const due: Effect.Effect<void> = Effect.gen(function*() {
    if (isFirst) {
      isFirst = false
      return
    }
    const began = yield* Clock.currentTimeMillis
    for (;;) {
      const now = yield* Clock.currentTimeMillis
      // Not longer than the interval, also when the clock was set back.
      const rest = Math.min(timing.intervalMs, began + timing.intervalMs - now)
      if (!timing.isPaused && rest <= 0) return
      yield* timing.isPaused ? Queue.take(changed) : Effect.timeoutOption(Queue.take(changed), rest)
    }
  })

  return {
    due,
    set: (next) =>
      Effect.sync(() => {
        timing = next
        Queue.offerUnsafe(changed, undefined)
      })
  } satisfies Pace
})
