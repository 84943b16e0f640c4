import { expect, it } from "vitest"
import { ours } from "../contenders/Contender.ts"
import { faults } from "../faults/index.ts"

it("has an id and a name for each fault, once", () => {
  expect(new Set(faults.map(({ id }) => id)).size).toBe(faults.length)
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length)
})

it("runs at least 60 faults against ours, and says why it skips the others", () => {
  const reasons = faults.map(({ skip }) => skip?.(ours))
  expect(reasons.filter((reason) => reason === undefined).length).toBeGreaterThanOrEqual(60)
  expect(reasons).not.toContain("")
})
