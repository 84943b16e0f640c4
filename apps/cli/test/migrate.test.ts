import { createTestDatabase } from "@ems/db-testing"
import { Migrate } from "@ems/schema/contract/Migrate"
import { Drift, MigrationLint, MigrationPlan, MigrationStatus } from "@ems/schema/contract/Migrations"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as path from "node:path"
import { expect, test } from "vitest"
import { emsdb, oneJson } from "./Emsdb.ts"

const decode = (text: string) => Schema.decodeUnknownSync(Migrate)(oneJson(text))

/** What the folder holds: drizzle-kit writes one folder for each. */
const inFolder = fs.readdirSync(path.resolve(import.meta.dirname, "../../../drizzle"), { withFileTypes: true })
  .flatMap((entry) => entry.isDirectory() ? [entry.name] : [])
  .toSorted()

test("applies all migrations, oldest first, and none the second time", async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  const first = await emsdb(["migrate", "--json"], url)
  expect(first).toMatchObject({ code: 0, stderr: "" })
  expect(decode(first.stdout)).toMatchObject({
    applied: inFolder.map((name) => ({ name, appliedNow: true })),
    pending: 0
  })
  expect(await admin("select count(*)::int as n from payment_history")).toEqual([{ n: 0 }])
  const second = await emsdb(["migrate", "--json"], url)
  expect(decode(second.stdout).applied).toEqual(inFolder.map((name) => ({ name, appliedNow: false })))
  const third = await emsdb(["migrate"], url)
  expect(third.code).toBe(0)
  expect(third.stdout).toMatch(new RegExp(`^migrations: 0 applied, ${inFolder.length} already there, 0 pending\n`))
  await close()
})

test("a migration that fails leaves nothing behind: exit code 5", async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  await admin("create table users (name text)")
  const { code, stderr, stdout } = await emsdb(["migrate", "--json"], url)
  expect({ code, stdout }).toEqual({ code: 5, stdout: "" })
  expect(oneJson(stderr)).toMatchObject({ reason: "InvalidStatement" })
  expect(await admin("select to_regclass('events') is null as gone")).toEqual([{ gone: true }])
  await close()
})

test("plan, lint, status and drift say what is there to know, and change nothing", { timeout: 90_000 }, async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  const plan = await emsdb(["migrate", "plan", "--json"], url)
  expect(plan).toMatchObject({ code: 0, stderr: "" })
  const { migrations } = Schema.decodeUnknownSync(MigrationPlan)(oneJson(plan.stdout))
  expect(migrations.map(({ name }) => name)).toEqual(inFolder)
  expect((await emsdb(["migrate", "plan"], url)).stdout).toContain("CREATE TABLE")
  // All of it is new: whatever is locked, nobody can wait for it.
  const lint = await emsdb(["migrate", "lint", "--json"], url)
  expect(Schema.decodeUnknownSync(MigrationLint)(oneJson(lint.stdout)).findings).toEqual([])
  expect(lint.code).toBe(0)
  const status = async () => {
    const { code, stdout } = await emsdb(["migrate", "status", "--json"], url)
    return { code, ...Schema.decodeUnknownSync(MigrationStatus)(oneJson(stdout)) }
  }
  expect(await status()).toMatchObject({ code: 0, applied: [], pending: inFolder })
  expect(await admin("select to_regclass('events') is null as gone")).toEqual([{ gone: true }])

  expect((await emsdb(["migrate", "up"], url)).code).toBe(0)
  expect(await status()).toMatchObject({ code: 0, applied: inFolder, pending: [], edited: [] })
  expect(await emsdb(["migrate", "repair"], url)).toMatchObject({ code: 0, stdout: "nothing to repair\n" })

  expect(await emsdb(["drift"], url)).toMatchObject({ code: 0, stdout: "no difference\n" })
  await admin("alter table users add column nobody_knows int")
  await admin("drop index idx_events_date")
  const drifted = await emsdb(["drift", "--json"], url)
  expect(drifted.code).toBe(1)
  const { differences } = Schema.decodeUnknownSync(Drift)(oneJson(drifted.stdout))
  const objects = (of: string) => differences.filter(({ against }) => against === of).map(({ object }) => object)
  expect(objects("tables")).toEqual(["public.users.nobody_knows", "public.events.idx_events_date"].toSorted())
  expect(objects("migrations").length).toBeGreaterThan(0)
  await close()
})
