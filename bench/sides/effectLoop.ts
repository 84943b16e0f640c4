/** Callers as fibres, each beginning anew as soon as it is answered. */
import * as Effect from "effect/Effect"

export type Point = Effect.Effect<{ readonly length: number }, unknown>

/** `callers` fibres that run `once` until `until`; gives how often it was done. */
export const effectLoop = (once: () => Point, callers: number, until: number): Effect.Effect<number, unknown> => {
  let done = 0
  const caller = Effect.whileLoop({
    while: () => performance.now() < until,
    body: once,
    step: (found) => {
      if (found.length !== 1) throw new Error("a row is missing")
      done++
    }
  })
  return Effect.map(
    Effect.all(Array.from({ length: callers }, () => caller), { concurrency: "unbounded", discard: true }),
    () => done
  )
}
