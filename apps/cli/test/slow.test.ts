import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { Slow } from "@ems/schema/contract/Slow"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { decoded, emsdb, oneJson } from "./Emsdb.ts"

/** An embedded database needs seconds to start, on a busy machine many. */
const patient = { EMS_CONNECT_TIMEOUT_MS: "60000", EMS_ACQUIRE_TIMEOUT_MS: "60000", EMS_QUERY_TIMEOUT_MS: "60000" }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  expect((await emsdb(["init"], database.url)).code).toBe(0)
}, 60_000)
afterAll(() => database.close())

const slow = (...args: ReadonlyArray<string>) => emsdb(["slow", ...args], database.url)
const slowJson = async (...args: ReadonlyArray<string>) => decoded(Slow, await slow(...args, "--json"))

const session = async (url = database.url) => {
  const client = await connect(url)
  const { rows: [row] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
  return { client, pid: row?.pid ?? 0 }
}

test("what runs now for longer than the threshold, and what to do about it", { timeout: 120_000 }, async () => {
  const [sleeper, holder, waiter] = [await session(), await session(), await session()]
  const elsewhere = await session(inject("postgresUrl"))
  // Idle in a transaction: it runs nothing.
  await holder.client.query("begin")
  await holder.client.query("lock table events")
  const ends = [
    sleeper.client.query("select pg_sleep(100), 'cAnArY-9f27'").catch((error: Error) => error),
    waiter.client.query("select count(*) from events").catch((error: Error) => error),
    elsewhere.client.query("select pg_sleep(100)").catch((error: Error) => error)
  ]
  await database.admin("select pg_sleep(0.3)")
  const { running, thresholdMs } = await slowJson("--threshold", "200")
  expect(thresholdMs).toBe(200)
  const byPid = new Map(running.items.map((row) => [row.pid, row]))
  expect(new Set(byPid.keys())).toEqual(new Set([sleeper.pid, waiter.pid]))
  expect(byPid.get(sleeper.pid)).toMatchObject({
    isBlocked: false,
    waitEvent: "PgSleep",
    query: "select pg_sleep(?), ?",
    next: `emsdb cancel ${sleeper.pid}`
  })
  expect(byPid.get(waiter.pid)).toMatchObject({ isBlocked: true, next: "emsdb locks" })
  expect(running.items[0]?.queryMs).toBeGreaterThanOrEqual(running.items[1]?.queryMs ?? Infinity)
  expect((await slowJson("--threshold", "3600000")).running).toMatchObject({ items: [], total: 0, unavailable: null })
  expect((await slowJson("--threshold", "0", "--limit", "1")).running).toMatchObject({ items: [{}], total: 2 })

  const shown = await slow("--threshold", "200")
  expect(shown).toMatchObject({ code: 0, stderr: "" })
  expect(shown.stdout).toMatch(/^running for 200 ms or more:\n +pid \| runs for \| /)
  expect(shown.stdout).toContain(`emsdb cancel ${sleeper.pid}`)
  for (const line of shown.stdout.split("\n").slice(0, 5)) expect(line.length).toBeLessThanOrEqual(100)

  // What it says to do next does it.
  expect((await emsdb(["cancel", String(sleeper.pid)], database.url)).code).toBe(0)
  await holder.client.query("rollback")
  await database.admin("select pg_cancel_backend($1)", [elsewhere.pid])
  await Promise.all(ends)
  expect((await slowJson("--threshold", "0")).running.total).toBe(0)
  await Promise.all([sleeper, holder, waiter, elsewhere].map(({ client }) => client.end()))
})

test("what was counted with a mean over the threshold", { timeout: 120_000 }, async () => {
  const without = await slow()
  expect(without).toMatchObject({ code: 0, stderr: "" })
  expect(without.stdout).toMatch(
    /with a mean of 1\.0 s or more, in the last hour:\nnot available: needs the extension pg_stat_statements/
  )
  expect((await slowJson()).counted.unavailable).toMatchObject({ because: "extension" })

  await database.admin("create extension pg_stat_statements")
  // The first look has nothing to compare its figures with.
  await slow()
  for (let times = 0; times < 2; times++) await database.admin("select pg_sleep(0.3) from pg_am limit 1")
  await database.admin("select pg_sleep(0.01) from pg_namespace limit 1")
  // It looks again when the last look is a second ago.
  await database.admin("select pg_sleep(1.1)")
  const { counted } = await slowJson("--threshold", "250")
  expect(counted.items.filter(({ text }) => text?.includes("pg_sleep(?) from"))).toMatchObject([{
    text: "select pg_sleep(?) from pg_am limit ?",
    calls: 2
  }])
  for (const { meanMs } of counted.items) expect(meanMs).toBeGreaterThanOrEqual(250)
  expect((await slowJson("--threshold", "100000")).counted.items).toEqual([])
  expect((await slow("--threshold", "250", "--window", "24h")).stdout).toContain("next: emsdb explain '<statement>'")
})

test("without a flag it is the threshold of the slow query log", { timeout: 60_000 }, async () => {
  expect((await slowJson()).thresholdMs).toBe(1000)
  const more = { EMS_SLOW_QUERY_MS: "150" }
  expect(decoded(Slow, await emsdb(["slow", "--json"], database.url, more)).thresholdMs).toBe(150)
})

test.each([
  ["a negative threshold", ["--threshold", "-1"], "from 0 to 3600000"],
  ["a threshold with a unit", ["--threshold", "1s"], "from 0 to 3600000"],
  ["a window that is none", ["--window", "1m"], "1h"]
])("%s: one line", async (_, args, says) => {
  const ended = await slow(...args)
  expect(ended).toMatchObject({ code: 2, stdout: "" })
  expect(ended.stderr).toMatch(/^emsdb: [^\n]+\n$/)
  expect(ended.stderr).toContain(says)
})

test("on an embedded database neither can be looked at", { timeout: 60_000 }, async () => {
  const ended = await emsdb(["slow", "--json"], "pglite:memory", patient)
  expect(ended).toMatchObject({ code: 1, stderr: "" })
  expect(oneJson(ended.stdout)).toMatchObject({
    running: { unavailable: { because: "backend" } },
    counted: { unavailable: {} }
  })
})
