/** What it costs to put an answer into the cache, beside a read that leaves it alone. */
import * as Effect from "effect/Effect"
import type { BenchOptions } from "../options.ts"
import { among, type Part } from "../Part.ts"
import { measure, type Side } from "../Side.ts"
import { effectLoop } from "../sides/effectLoop.ts"
import { type Ems, openEms } from "./ems.ts"

const callers = 32

/** Rows of an answer. */
const sizes = [1, 20]

/** What the loop counts: one call. */
const one = [true]

export const misses = async (url: string, options: BenchOptions): Promise<Part> => {
  // As many as fit are kept, so that each put also pushes one out.
  const ems = await openEms(url)
  let next = 0
  const side = (name: string, users: number, read: Ems["several"]["bounded"]): Side => {
    const once = () =>
      Effect.map(read({ key: next++, users }), (found) => {
        if (found.length !== users) throw new Error("a row is missing")
        return one
      })
    return {
      name: `${name}, rows: ${users}`,
      run: (_, until) => ems.run(effectLoop(once, callers, until)),
      close: async () => {}
    }
  }
  const sides = sizes.flatMap((users) => [
    side("ems miss", users, ems.several.bounded),
    side("ems uncached", users, ems.several.uncached)
  ])
  const measured = await measure(sides, { callers, rounds: options.rounds, seconds: options.seconds / 3 })
  await ems.close()
  const ratio = among(measured)
  return {
    title: `misses: ${callers} callers, prepared, each key new; calls/s`,
    measured,
    seen: sizes.map((users) =>
      `ems miss against ems uncached, rows: ${users}: ${
        ratio(`ems miss, rows: ${users}`, `ems uncached, rows: ${users}`).toFixed(2)
      }x, no goal`
    ),
    outcomes: []
  }
}
