import "@ems/db-testing/context"
import { describe, expect, inject, it } from "vitest"
import { cases, isBasic } from "../cache/cases/index.ts"
import type { CaseOutcome } from "../cache/cases/Judge.ts"
import { pointless, problemsOf } from "../cache/cases/problems.ts"
import { type CasesOptions, type CasesResult, runCases } from "../cache/cases/runCases.ts"

const timeout = 240_000

const once = process.versions["bun"] !== undefined

const basic = cases.filter(isBasic).map(({ id }) => id)

const here = (options: CasesOptions) =>
  runCases({ ...options, quick: true, print: false, serverUrl: inject("postgresUrl") })

/** Two tests look at what Drizzle's own cache does. */
let drizzle: Promise<CasesResult> | undefined
const drizzles = () => drizzle ??= here({ subjects: ["drizzle-0.45.4", "drizzle-1.0-rc.5"], only: basic })

const idsOf = (outcomes: ReadonlyArray<CaseOutcome>, is: CaseOutcome["is"], subject: string) =>
  outcomes.filter((one) => one.is === is && one.subject === subject).map(({ id }) => id)

describe.runIf(once)("the cases mean something (on Bun alone: peers are the same on both)", () => {
  it("who has no cache is right in all of them", { timeout }, async () => {
    const { outcomes } = await here({ subjects: ["no cache"] })
    expect(problemsOf(outcomes)).toEqual([])
    expect(outcomes.length).toBe(cases.length)
  })

  it("each can go wrong: in Drizzle's cache, or in a careless one", { timeout }, async () => {
    const { outcomes } = await here({ subjects: ["memo"] })
    expect(problemsOf(outcomes)).toEqual([])
    // The one is about whether there is a cache at all.
    expect(pointless([...outcomes, ...(await drizzles()).outcomes])).toEqual(["l150"])
  })

  it("of the 33, Drizzle's own cache is right in 2, its successor's in 10", { timeout }, async () => {
    const { outcomes } = await drizzles()
    expect(idsOf(outcomes, "ok", "drizzle-0.45.4")).toEqual(["e1", "e2"])
    // Its race is rare: half a second may pass without one.
    expect(idsOf(outcomes, "ok", "drizzle-1.0-rc.5").filter((id) => id !== "k1").toSorted())
      .toEqual(["a1", "e1", "e2", "e3", "e4", "e5", "e6", "e8", "j1", "j2"])
  })
})
