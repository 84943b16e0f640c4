import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { stripVTControlCharacters } from "node:util"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { emsdb } from "./Emsdb.ts"
import { replay } from "./Replay.ts"
import { hold, slowDown } from "./SlowBuild.ts"
import { hasTerminal, terminal } from "./Terminal.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  expect((await emsdb(["init"], database.url)).code).toBe(0)
  await slowDown(database)
}, 60_000)
afterAll(() => database.close())
beforeEach(() => database.admin("drop index if exists idx_events_date, idx_users_created_at"))

/** Each state of the lines that were drawn. */
const drawings = (written: string): ReadonlyArray<string> => stripVTControlCharacters(written).split(/[\r\n]+/)

describe.skipIf(!hasTerminal)("bars at a terminal", () => {
  test("two tables at once: two bars, who is waited for, and at the end the result alone", {
    timeout: 60_000
  }, async () => {
    const columns = 110
    const { end, shown } = terminal(["indexes", "create", "--parallel", "2"], database.url, { columns })
    const { pid, release } = await hold(database, 2)
    const screenNow = () => replay(shown(), columns)
    await expect.poll(screenNow, { timeout: 10_000 }).toHaveLength(5)
    const [first, blockedBy, second, alsoBlockedBy, whole] = screenNow()
    const bar = /^█+░*  98 % create-index public\.(idx_events_date|idx_users_created_at): waiting for old snapshots$/
    expect(first).toMatch(bar)
    expect(second).toMatch(bar)
    const blocker = new RegExp(`^  waits for pid ${pid} \\(.*idle in transaction\\): `)
    expect(blockedBy).toMatch(blocker)
    expect(alsoBlockedBy).toMatch(blocker)
    // Somebody else decides when it goes on: there is no estimate.
    expect(whole).toBe("98 % of all, 0 of 2 steps done")
    await release()
    const { code } = await end()
    expect(code).toBe(0)
    const left = replay(shown(), columns).filter((line) => line !== "")
    expect(left).toHaveLength(4)
    expect(left[0]).toMatch(/^create-index public\.\w+: done, /)
    expect(left.at(-1)).toMatch(/^2 steps in /)
  })

  test("no line is longer than the terminal, also when it is made smaller", { timeout: 60_000 }, async () => {
    const { end, resize, shown } = terminal(["indexes", "create"], database.url, { columns: 120 })
    const { release } = await hold(database)
    await expect.poll(() => replay(shown(), 120).join("\n"), { timeout: 10_000 }).toContain("waits for pid")
    const before = shown().length
    resize(50)
    await expect.poll(() => drawings(shown().slice(before)).filter((line) => line.includes("…")).length, {
      timeout: 10_000
    }).toBeGreaterThan(2)
    const after = drawings(shown().slice(before)).slice(-8)
    expect(Math.max(...after.map((line) => line.length))).toBe(49)
    await release()
    expect((await end()).code).toBe(0)
  })

  test("NO_COLOR and a locale without UTF-8: ASCII without colours", { timeout: 60_000 }, async () => {
    const more = { NO_COLOR: "1", LANG: "C" }
    const { end, shown, until } = terminal(["indexes", "create"], database.url, { columns: 100, more })
    const { release } = await hold(database)
    await until("waits for pid")
    await release()
    expect((await end()).code).toBe(0)
    expect(shown()).toMatch(/\.{12} +0 % planning/)
    expect(shown()).toMatch(/#{11}\. +98 % create-index/)
    // oxlint-disable-next-line no-control-regex
    expect(shown()).not.toMatch(/\u001B\[[\d;]*m/)
    // oxlint-disable-next-line no-control-regex
    expect(shown()).toMatch(/^[\x00-\x7F]*$/)
  })

  test("a terminal that cannot move its cursor gets lines", { timeout: 60_000 }, async () => {
    const { end, shown } = terminal(["analyze", "--tables", "users"], database.url, { more: { TERM: "dumb" } })
    expect((await end()).code).toBe(0)
    expect(shown()).not.toContain("\u001B[J")
    expect(shown()).toMatch(/\d+ %.*: analyze public\.users, /)
  })

  test("seed and migrate say what they are at", { timeout: 60_000 }, async () => {
    const fresh = await createTestDatabase({ template: false })
    const migrated = terminal(["migrate"], fresh.url, { columns: 100 })
    expect((await migrated.end()).code).toBe(0)
    expect(stripVTControlCharacters(migrated.shown())).toMatch(/ % 1 of 4: \d+_\w+\r/)
    expect(stripVTControlCharacters(migrated.shown())).toMatch(/ % 4 of 4: \d+_\w+\r/)
    const seeded = terminal(["seed"], fresh.url, { columns: 100 })
    expect((await seeded.end()).code).toBe(0)
    expect(stripVTControlCharacters(seeded.shown())).toContain(" 42 % 4 of 7: registrations\r")
    expect(replay(seeded.shown(), 100)[0]).toBe("users: 1000 rows added")
    await fresh.close()
  })
})

test("piped: a line for each phase, and nothing with --json", { timeout: 60_000 }, async () => {
  const plain = emsdb(["indexes", "create", "--indexes", "idx_events_date"], database.url)
  const { pid, release } = await hold(database)
  await new Promise((resolve) => setTimeout(resolve, 1000))
  await release()
  const { code, stderr } = await plain
  expect(code).toBe(0)
  const lines = stderr.trimEnd().split("\n")
  expect(lines.length).toBeLessThan(10)
  for (const line of lines) expect(line).toMatch(/^\d+ %.*: create-index public\.idx_events_date, /)
  expect(lines.filter((line) => line.endsWith(`waits for pid ${pid}`))).toHaveLength(1)

  const json = await emsdb(["indexes", "create", "--json"], database.url)
  expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 0, stderr: "" })
})
