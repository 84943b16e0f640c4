import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { withClient } from "@ems/db-testing/Admin"
import { MaintenancePlan, MaintenanceResult } from "@ems/schema/contract/Maintenance"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, expect, test } from "vitest"
import { emsdb, oneJson } from "./Emsdb.ts"

const planOf = (text: string) => Schema.decodeUnknownSync(MaintenancePlan)(oneJson(text))
const resultOf = (text: string) => Schema.decodeUnknownSync(MaintenanceResult)(oneJson(text))

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  expect((await emsdb(["init"], database.url)).code).toBe(0)
}, 60_000)
afterAll(() => database.close())

test("indexes create builds what is missing, after it said what it would do", { timeout: 60_000 }, async () => {
  const { admin, url } = database
  await admin("drop index idx_events_date")
  const planned = await emsdb(["indexes", "create", "--dry-run", "--json"], url)
  expect(planned).toMatchObject({ code: 0, stderr: "" })
  const plan = planOf(planned.stdout)
  expect(plan.steps).toMatchObject([{ kind: "create-index", object: "idx_events_date", blocks: "schema changes" }])
  expect(plan.indexes.filter(({ state }) => state === "present").length).toBe(16)
  expect(await admin("select to_regclass('idx_events_date') as found")).toEqual([{ found: null }])

  const built = await emsdb(["indexes", "create"], url)
  expect(built.code).toBe(0)
  expect(built.stdout).toMatch(/^create-index public\.idx_events_date: done, /)
  expect(built.stdout).toContain("indexes: 16 as defined before\n")
  expect((await emsdb(["indexes", "create"], url)).stdout).toContain("0 steps in ")
})

test("indexes drop keeps what makes the index again", { timeout: 60_000 }, async () => {
  const { admin, url } = database
  await admin("create index extra_one on users (created_at, id)")
  const drop = ["indexes", "drop", "--indexes", "extra_one", "--yes"]
  const [step] = planOf((await emsdb([...drop, "--dry-run", "--json"], url)).stdout).steps
  const { code, stdout } = await emsdb([...drop, "--json"], url)
  expect(code).toBe(0)
  expect(resultOf(stdout).steps).toMatchObject([{ outcome: "done", step: { undo: step?.undo } }])
  await admin(step?.undo ?? "")
  expect(await admin("select to_regclass('extra_one') is not null as found")).toEqual([{ found: true }])
  await admin("drop index extra_one")
  const needed = await emsdb(["indexes", "drop", "--indexes", "users_pkey"], url)
  expect(needed.code).toBe(5)
  expect(needed.stderr).toMatch(/^emsdb: dropIndex: .*primary key/)
})

test("analyze, vacuum, reindex, optimize and maintenance do their work", { timeout: 120_000 }, async () => {
  const { url } = database
  for (
    const [args, kinds] of [
      [["analyze", "--tables", "users,events"], ["analyze", "analyze"]],
      [["vacuum", "--tables", "public.users"], ["vacuum"]],
      [["reindex", "--indexes", "idx_users_email"], ["reindex"]],
      [["optimize", "--tables", "users", "--full", "--yes"], ["vacuum-full"]],
      [["maintenance"], undefined]
    ] as const
  ) {
    const { code, stderr, stdout } = await emsdb([...args, "--json"], url)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const { steps } = resultOf(stdout)
    if (kinds !== undefined) expect(steps.map(({ step }) => step.kind)).toEqual(kinds)
  }
})

test("a name that is not there ends with what would be right", async () => {
  const { code, stderr } = await emsdb(["vacuum", "--tables", "user"], database.url)
  expect(code).toBe(2)
  expect(stderr).toMatch(/^emsdb: vacuumTables: there is no table user; did you mean public\.users\b.*\?\n$/)
})

test("of two at once one is told who runs, and since when", { timeout: 60_000 }, async () => {
  const { admin, url } = database
  await admin("drop index idx_events_date")
  await withClient(url, async (client) => {
    // The build waits for this transaction, as it could have written to the table.
    await client.query("begin")
    await client.query("lock table events in row exclusive mode")
    const first = emsdb(["indexes", "create"], url)
    const running = "select from ems_internal.maintenance_job where status = 'running' and plan is not null"
    while ((await admin(running)).length === 0) await new Promise((resolve) => setTimeout(resolve, 50))
    const second = await emsdb(["analyze"], url)
    expect(second.code).toBe(4)
    expect(second.stderr).toMatch(
      /^emsdb: analyzeTables: createIndexes is running since 20\S+Z, by emsdb \(pid \d+\)\n$/
    )
    await client.query("commit")
    const { code, stderr } = await first
    expect(code).toBe(0)
    expect(stderr).toContain("create-index public.idx_events_date")
  })
})
