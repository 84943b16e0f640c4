import "@ems/db-testing/context"
import { describe, expect, inject, it } from "vitest"
import { cases, isBasic } from "../cache/cases/index.ts"
import type { CaseOutcome } from "../cache/cases/Judge.ts"
import { limits } from "../cache/cases/limits.ts"
import { pointless, problemsOf } from "../cache/cases/problems.ts"
import { type CasesOptions, type CasesResult, runAlone, runCases } from "../cache/cases/runCases.ts"
import { tally } from "../cache/cases/Table.ts"
import { missing } from "../Servers.ts"

const bin15 = "/usr/lib/postgresql/15/bin"

/** Each case has a database of its own. */
const timeout = 240_000

/** What takes minutes and is the same on every runtime runs on one of them. */
const once = process.versions["bun"] !== undefined

const basic = cases.filter(isBasic).map(({ id }) => id)

const here = (options: CasesOptions) =>
  runCases({ ...options, quick: true, print: false, serverUrl: inject("postgresUrl") })

/** Two tests look at what Drizzle's own cache does. */
let drizzle: Promise<CasesResult> | undefined
const drizzles = () => drizzle ??= here({ subjects: ["drizzle-0.45.4", "drizzle-1.0-rc.5"], only: basic })

const idsOf = (outcomes: ReadonlyArray<CaseOutcome>, is: CaseOutcome["is"], subject: string) =>
  outcomes.filter((one) => one.is === is && one.subject === subject).map(({ id }) => id)

it("has 33 basic cases, and each id once", () => {
  expect(basic.length).toBe(33)
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
  expect(basic.filter((id) => limits.has(id))).toEqual([])
})

describe("ours is right", () => {
  it("on Postgres 18", { timeout }, async () => {
    const { outcomes } = await here({ subjects: ["ems bounded", "ems strong"] })
    expect(problemsOf(outcomes)).toEqual([])
    for (const one of tally(outcomes)) expect(one.basic).toEqual({ ok: 30, wrong: 0, "n/a": 3, broken: 0 })
  })

  it.skipIf(missing("15") !== undefined)("on Postgres 15, in the basic cases", { timeout }, async () => {
    const { outcomes, postgres } = await runCases({
      subjects: ["ems bounded", "ems strong"],
      only: basic,
      quick: true,
      print: false,
      binDirectory: bin15
    })
    expect(postgres).toMatch(/^15\./)
    expect(problemsOf(outcomes)).toEqual([])
  })

  it.runIf(once)("on the embedded database, where one session is enough (on Bun alone)", { timeout }, async () => {
    const { outcomes } = await runAlone({ subjects: ["ems bounded"] })
    expect(problemsOf(outcomes)).toEqual([])
    expect(outcomes.length).toBeGreaterThan(80)
  })
})

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
