import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { Stalls } from "../Stalls.ts"

it("knows how long the event loop stood still, also before its own tick, and what of it lies between two times", async () => {
  const stalls = new Stalls()
  await sleep(30)
  const from = performance.now()
  for (const until = from + 80; performance.now() < until;);
  const to = performance.now()
  expect(stalls.between(from, to)).toBeGreaterThan(60)
  expect(stalls.between(from, from + 40)).toBeLessThan(40.001)
  // Nothing of it, but what a busy machine has held this up since.
  expect(stalls.between(to, to + 1000)).toBeLessThan(performance.now() - to + 0.001)
  expect(stalls.longestMs).toBeGreaterThan(60)
})
