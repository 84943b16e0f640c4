/**
 * Every order in which a few reads, a write of this process, a write of somebody else, polls and the clock can meet in
 * the cache: what it promises holds in each. Caches with one thing wrong show that a broken promise is found.
 */
import { afterAll, assert, describe, it } from "vitest"
import { enumerate, type Finding, shorten } from "./interleavings/Enumeration.ts"
import { mutants } from "./interleavings/Mutants.ts"
import type { Scenario } from "./interleavings/Scenario.ts"
import { scenarios, small } from "./interleavings/Scenarios.ts"
import { World } from "./interleavings/World.ts"

const told = ({ schedule, what }: Finding): string =>
  [what, ...schedule.map((label, at) => `${String(at + 1).padStart(3)}. ${label}`)].join("\n")

const limit = { timeout: 60_000 }

describe("every interleaving", limit, () => {
  let total = 0
  afterAll(() => console.log(`${total} schedules`))

  for (const [name, scenario] of Object.entries<Scenario>(scenarios)) {
    it(`of ${name}`, () => {
      const start = () => new World(scenario)
      const { finding, schedules } = enumerate(start)
      total += schedules
      assert(finding === undefined, finding && told(shorten(start, finding)))
    })
  }
})

describe("schedules that are left out have the outcome of one that is run", limit, () => {
  for (const name of small) {
    it(`in ${name}`, () => {
      const start = () => new World(scenarios[name])
      const some = enumerate(start)
      const all = enumerate(start, false)
      assert.isAbove(all.schedules, some.schedules)
      assert.sameMembers([...all.outcomes], [...some.outcomes])
    })
  }
})

describe("a cache with one thing wrong is found", limit, () => {
  for (const { breaks, name, scenario, tamper } of mutants) {
    it(`with ${name}`, () => {
      const start = () => new World(scenarios[scenario], tamper, breaks)
      const { finding, schedules } = enumerate(start)
      assert(finding !== undefined, `no schedule of ${schedules} breaks "${breaks}"`)
      console.log(`${name}: schedule ${schedules} of "${scenario}" breaks\n${told(shorten(start, finding))}`)
    })
  }
})
