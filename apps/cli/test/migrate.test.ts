import { createTestDatabase } from "@ems/db-testing"
import { Migrate } from "@ems/schema/contract/Migrate"
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
