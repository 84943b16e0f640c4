/** Reads that see every commit before them: answers from memory after a poll that all who wait share. */
import type { BenchOptions } from "../options.ts"
import { among, atLeast, type Part } from "../Part.ts"
import { measure, type Side } from "../Side.ts"
import { effectLoop, type Point } from "../sides/effectLoop.ts"
import { drizzle045 } from "./drizzle045.ts"
import type { Ems } from "./ems.ts"
import { readingRows, rows } from "./Layout.ts"
import { promised } from "./loops.ts"

const callers = 64

/** What the aggregate takes at the server, about. Milliseconds. */
const wantedMs = 2

/** How many readings take so long on this machine, and what they took. */
const calibrate = async (ems: Ems): Promise<readonly [readings: number, ms: number]> => {
  const cost = async (id: number): Promise<number> => {
    const started = performance.now()
    for (let left = 20; left > 0; left--) await ems.run(ems.aggregate.uncached({ id }))
    return (performance.now() - started) / 20
  }
  let id = 10_000
  await cost(id)
  for (let tries = 0; tries < 2; tries++) {
    id = Math.min(readingRows, Math.max(1000, Math.round(id * wantedMs / await cost(id))))
  }
  return [id, await cost(id)]
}

export const strong = async (url: string, ems: Ems, options: BenchOptions): Promise<Part> => {
  const older = drizzle045(url)
  const [readings, ms] = await calibrate(ems)
  let next = 0
  const id = () => 1 + next++ % rows
  const loop = (name: string, once: () => Point): Side => ({
    name,
    run: (_, until) => ems.run(effectLoop(once, callers, until)),
    close: async () => {}
  })
  const sides: ReadonlyArray<Side> = [
    loop("ems strong", () => ems.point.strong({ id: BigInt(id()) })),
    loop("ems uncached", () => ems.point.uncached({ id: BigInt(id()) })),
    { name: "drizzle 0.45 uncached", run: promised(callers, () => older.uncached(id())), close: older.close },
    loop("ems strong aggregate", () => ems.aggregate.strong({ id: readings })),
    loop("ems uncached aggregate", () => ems.aggregate.uncached({ id: readings }))
  ]
  const measured = await measure(sides, { callers, rounds: options.rounds, seconds: options.seconds / 2 })
  for (const side of sides) await side.close()
  const { feed } = await ems.snapshot()
  const ratio = among(measured)
  return {
    title: `strong: ${callers} callers, prepared, nobody writes; reads/s`,
    measured,
    seen: [
      `the aggregate goes through ${readings} readings: ${ms.toFixed(1)} ms for one caller`,
      `the last poll took ${feed?.roundTripMs.toFixed(2)} ms`
    ],
    outcomes: [
      atLeast("ems strong against drizzle 0.45 uncached", ratio("ems strong", "drizzle 0.45 uncached"), 3),
      atLeast("ems strong against ems uncached", ratio("ems strong", "ems uncached"), 1.2),
      atLeast(
        "ems strong aggregate against ems uncached aggregate",
        ratio("ems strong aggregate", "ems uncached aggregate"),
        10
      )
    ]
  }
}
