import { connect, createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { MaintenanceResult } from "@ems/schema/contract/Maintenance"
import { Problem } from "@ems/schema/contract/Problem"
import * as Schema from "effect/Schema"
import { setTimeout as sleep } from "node:timers/promises"
import { stripVTControlCharacters } from "node:util"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { emsdb, oneJson, start } from "./Emsdb.ts"
import { building, hold, invalid, slowDown, until } from "./SlowBuild.ts"
import { hasTerminal, terminal } from "./Terminal.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  expect((await emsdb(["init"], database.url)).code).toBe(0)
  await slowDown(database)
}, 60_000)
afterAll(() => database.close())
beforeEach(async () => {
  // The second is not begun when the first is cancelled: one table at a time, one index after the other.
  await database.admin("drop index if exists idx_events_date, idx_events_venue")
})

/** Until somebody waits for a lock in this database. */
const waits = ({ admin, name }: TestDatabase) =>
  until(
    "somebody who waits",
    async () =>
      (await admin("select from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'", [name])).length > 0
  )

const isThere = async (name: string) =>
  (await database.admin("select to_regclass($1) is not null as there", [name]))[0]?.["there"]

describe.skipIf(!hasTerminal)("Ctrl-C at a terminal", () => {
  test("cancels on the server, leaves no INVALID index, and says what was done", { timeout: 60_000 }, async () => {
    const { end, shown, type, until } = terminal(["indexes", "create"], database.url)
    const { release } = await hold(database)
    expect(await invalid(database)).toEqual(["idx_events_date"])
    await until("waiting for old snapshots")
    type("\u0003")
    const { code } = await end()
    expect(code).toBe(5)
    expect(await building(database)).toEqual([])
    expect(await invalid(database)).toEqual([])
    expect(await isThere("idx_events_date")).toBe(false)
    // Bun's console has colours of its own.
    const said = stripVTControlCharacters(shown()).replaceAll("\r", "")
    expect(said).toContain("emsdb: cancelling; Ctrl-C again leaves at once\n")
    expect(said).toContain("create-index public.idx_events_date: cancelled\n")
    expect(said).toContain("create-index public.idx_events_venue: not begun\n")
    expect(said).toMatch(/emsdb: interrupted: 0 of 2 steps done, 1 cancelled, 1 not begun\n$/)
    await release()
  })

  test("the second one leaves at once, and says what mends it", { timeout: 60_000 }, async () => {
    const { end, type, until } = terminal(["indexes", "create"], database.url)
    const { release } = await hold(database)
    // The cancelled build is removed, which this one makes wait.
    const locks = await connect(database.url)
    await locks.query("begin")
    await locks.query("lock table events in access share mode")
    await until("waiting for old snapshots")
    type("\u0003")
    await until("cancelling")
    await sleep(600)
    const began = Date.now()
    type("\u0003")
    const { code, shown } = await end()
    expect(code).toBe(5)
    expect(Date.now() - began).toBeLessThan(2000)
    expect(shown).toContain("emsdb: left at once; an invalid index may be left: emsdb maintenance removes it")
    await locks.end()
    await release()
    await database.admin("drop event trigger pause")
    for (let code: number | null = 4; code === 4;) code = (await emsdb(["indexes", "create"], database.url)).code
    expect(await invalid(database)).toEqual([])
    await slowDown(database)
  })
})

test.each(["SIGINT", "SIGTERM"] as const)("%s with --json: the contract says the same", {
  timeout: 60_000
}, async (signal) => {
  const { child, ended } = start(["indexes", "create", "--json"], database.url)
  const { release } = await hold(database)
  child.kill(signal)
  const { code, stderr, stdout } = await ended
  expect(code).toBe(5)
  expect(Schema.decodeUnknownSync(Problem)(oneJson(stderr))).toMatchObject({ reason: "Interrupted", exitCode: 5 })
  const result = Schema.decodeUnknownSync(MaintenanceResult)(oneJson(stdout))
  expect(result.status).toBe("cancelled")
  expect(result.steps.map(({ outcome, step }) => [step.object, outcome])).toEqual([
    ["idx_events_date", "cancelled"],
    ["idx_events_venue", "not begun"]
  ])
  expect(await invalid(database)).toEqual([])
  expect(await building(database)).toEqual([])
  await release()
})

describe.skipIf(!hasTerminal)("Ctrl-C where there is one transaction, and where there are several", () => {
  test("seed keeps no row, and says so", { timeout: 60_000 }, async () => {
    const fresh = await createTestDatabase()
    const client = await connect(fresh.url)
    await client.query("begin")
    await client.query("lock table payment_history in share mode")
    const { end, type, until } = terminal(["seed"], fresh.url)
    await until("waiting for writers")
    await waits(fresh)
    type("\u0003")
    const { code, shown } = await end()
    expect(code).toBe(5)
    expect(shown).toContain("emsdb: interrupted; no row was kept")
    expect(await fresh.admin("select pid from pg_locks where not granted")).toEqual([])
    await client.end()
    expect(await fresh.admin("select count(*)::int as n from users")).toEqual([{ n: 0 }])
    await fresh.close()
  })

  test.each(["migrate", "init"])("%s says what is applied, and goes on when run again", {
    timeout: 60_000
  }, async (command) => {
    const fresh = await createTestDatabase({ template: false })
    const client = await connect(fresh.url)
    await client.query("begin")
    // Of the second migration.
    await client.query("create type admin_role as enum ('none')")
    const { end, type, until } = terminal([command], fresh.url)
    await until(command === "init" ? "migration 2 of 4" : "2 of 4")
    await waits(fresh)
    type("\u0003")
    const { code, shown } = await end()
    expect(code).toBe(5)
    expect(stripVTControlCharacters(shown)).toContain(
      "emsdb: interrupted: 1 of 4 migrations applied; run again, it goes on"
    )
    await client.query("rollback")
    await client.end()
    expect((await emsdb([command], fresh.url)).code).toBe(0)
    await fresh.close()
  })
})
