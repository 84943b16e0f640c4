/**
 * Loops that give the event loop its turn. A hit waits for nobody: without turns neither the feed's polls nor timers
 * would run, and the lease would end in the middle of a measurement.
 */
import { setImmediate as turn } from "node:timers/promises"
import type { Side } from "../Side.ts"

/** Calls between two turns: a millisecond's, or less. */
const synchronously = 1000
const asynchronously = 100

type Run = Side["run"]

/** One caller. When `once` gives `undefined` the answer was not in memory: `otherwise` gets it there. */
export const synchronous = (once: () => unknown, otherwise: () => Promise<unknown>): Run => async (_, until) => {
  let done = 0
  while (performance.now() < until) {
    let missed = 0
    for (let left = synchronously; left > 0; left--) if (once() === undefined) missed++
    done += synchronously - missed
    if (missed > 0) await otherwise()
    await turn()
  }
  return done
}

export const promised =
  (callers: number, once: () => Promise<{ readonly length: number }>): Run => async (_, until) => {
    let done = 0
    await Promise.all(Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        for (let left = asynchronously; left > 0 && performance.now() < until; left--) {
          if ((await once()).length !== 1) throw new Error("a row is missing")
          done++
        }
        await turn()
      }
    }))
    return done
  }
