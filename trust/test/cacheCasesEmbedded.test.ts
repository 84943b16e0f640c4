import { expect, it } from "vitest"
import { problemsOf } from "../cache/cases/problems.ts"
import { runAlone } from "../cache/cases/runCases.ts"

/** It takes a minute and is the same on every runtime: one of them runs it. */
const once = process.versions["bun"] !== undefined

it.runIf(once)("ours is right on the embedded database, where one session is enough (on Bun alone)", {
  timeout: 240_000
}, async () => {
  const { outcomes } = await runAlone({ subjects: ["ems bounded"] })
  expect(problemsOf(outcomes)).toEqual([])
  expect(outcomes.length).toBeGreaterThan(80)
})
