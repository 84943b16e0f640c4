import { expect, it } from "vitest"
import type { HistoryResult, WindowResult } from "../cache/history/HistoryRun.ts"
import { always, figuresOf, problemsOf } from "../cache/history/Requirements.ts"

const window: WindowResult = {
  name: "quiet",
  isQuiet: true,
  losesFeed: false,
  ms: 1000,
  reads: 1000,
  hits: 600,
  bypasses: 0,
  leastBypasses: 0
}
const lost: WindowResult = {
  ...window,
  name: "feed cut",
  isQuiet: false,
  losesFeed: true,
  hits: 100,
  bypasses: 30,
  leastBypasses: 1
}
const result: HistoryResult = {
  verdict: {
    reads: 2000,
    strongReads: 10,
    afterReads: 10,
    writes: 120,
    violations: { I1: 0, I2: 0, I3: 0, I4: 0, I5: 0 },
    examples: [],
    staleReads: 5,
    worstStalenessMs: 300,
    worstStrongStalenessMs: 0
  },
  windows: [window, lost],
  seconds: 2,
  errors: {},
  unhandled: [],
  pooler: true,
  faults: { feeds: 3, faults: 3, delayed: 0 },
  detail: []
}
const problems = (changes: Partial<HistoryResult>) =>
  problemsOf({ ...result, ...changes }, { ...always, reads: 2000 }).join("; ")

it("passes a history that answers from the cache and is right", () => {
  expect(problems({})).toBe("")
  expect(figuresOf(result)).toEqual({ violations: 0, writesPerSecond: 60, quietHitRatio: 0.6, hitRatio: 0.35 })
})

it("fails one that is right because it hardly answers", () => {
  expect(problems({ windows: [{ ...window, hits: 490 }, lost] })).toMatch(/hit ratio 49 % while nothing was broken/)
  expect(problems({ windows: [window, { ...lost, hits: 0, reads: 9000 }] })).toMatch(/hit ratio 6 %, less than 20 %/)
  expect(problems({ windows: [] })).toMatch(/hit ratio 0 % while nothing was broken/)
})

it("fails one in which too little happened", () => {
  const { verdict } = result
  expect(problems({ verdict: { ...verdict, reads: 1999 } })).toMatch(/1999 reads, fewer than 2000/)
  expect(problems({ verdict: { ...verdict, writes: 98 } })).toMatch(/49.0 writes/)
  expect(problems({ verdict: { ...verdict, strongReads: 0 } })).toMatch(/no strong read/)
  expect(problems({ verdict: { ...verdict, afterReads: 0 } })).toMatch(/no read after a transaction/)
})

it("fails one in which a lost feed made a process bypass nothing", () => {
  expect(problems({ windows: [window, { ...lost, leastBypasses: 0 }] })).toMatch(
    /no bypass of a process in the window "feed cut"/
  )
})

it("names each invariant that was violated, and what nobody handled", () => {
  const violations = { ...result.verdict.violations, I2: 3 }
  expect(problems({ verdict: { ...result.verdict, violations } })).toBe("I2 is violated by 3 reads")
  expect(problems({ unhandled: ["a rejection"] })).toMatch(/unhandled: a rejection/)
})
