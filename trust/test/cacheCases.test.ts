import "@ems/db-testing/context"
import { describe, expect, inject, it } from "vitest"
import { cases, isBasic } from "../cache/cases/index.ts"
import { limits } from "../cache/cases/limits.ts"
import { problemsOf } from "../cache/cases/problems.ts"
import { runCases } from "../cache/cases/runCases.ts"
import { tally } from "../cache/cases/Table.ts"
import { missing } from "../Servers.ts"

const bin15 = "/usr/lib/postgresql/15/bin"

/** Each case has a database of its own. */
const timeout = 240_000

const basic = cases.filter(isBasic).map(({ id }) => id)

it("has 33 basic cases, and each id once", () => {
  expect(basic.length).toBe(33)
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
  expect(basic.filter((id) => limits.has(id))).toEqual([])
})

describe("ours is right", () => {
  it("on Postgres 18", { timeout }, async () => {
    const { outcomes } = await runCases({
      subjects: ["ems bounded", "ems strong"],
      quick: true,
      print: false,
      serverUrl: inject("postgresUrl")
    })
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
})
