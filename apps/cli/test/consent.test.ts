import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { emsdb } from "./Emsdb.ts"
import { hasTerminal, terminal } from "./Terminal.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  expect((await emsdb(["init"], database.url)).code).toBe(0)
}, 60_000)
afterAll(() => database.close())
beforeEach(() => database.admin("create index if not exists extra on users (created_at, id)"))

const drop = ["indexes", "drop", "--indexes", "extra"]
const isThere = async () =>
  (await database.admin("select to_regclass('extra') is not null as there"))[0]?.["there"] as boolean
const fileOf = async (table: string) =>
  (await database.admin("select pg_relation_filenode($1::text::regclass) as file", [table]))[0]?.["file"]

test("without a terminal nothing is done, and one line says what would be", { timeout: 60_000 }, async () => {
  const users = await fileOf("users")
  for (
    const [args, says] of [
      [drop, "Drop public.extra? Queries that need it get slow. There is nobody to ask: --yes says so"],
      [
        ["optimize", "--full", "--tables", "users"],
        "Write public.users anew? Nobody can read or write meanwhile. There is nobody to ask: --yes says so"
      ]
    ] as const
  ) {
    const ended = await emsdb(args, database.url)
    expect(ended).toEqual({ code: 2, stdout: "", stderr: `emsdb: ${says}\n` })
  }
  expect(await isThere()).toBe(true)
  expect(await fileOf("users")).toBe(users)
  // A plan asks nothing, and --yes is an answer.
  expect((await emsdb([...drop, "--dry-run"], database.url)).code).toBe(0)
  expect(await isThere()).toBe(true)
  expect((await emsdb([...drop, "--yes"], database.url)).code).toBe(0)
  expect(await isThere()).toBe(false)
})

test("an index that is not as defined is dropped only when somebody agrees", { timeout: 60_000 }, async () => {
  await database.admin("drop index idx_events_venue")
  await database.admin("create index idx_events_venue on events (venue, id)")
  const before = await fileOf("idx_events_venue")
  const rebuild = ["indexes", "create", "--rebuild-drifted"]
  const refused = await emsdb(rebuild, database.url)
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(
    /^emsdb: Drop public\.idx_events_venue and build it as defined\? [^\n]*--yes says so\n$/
  )
  expect(await fileOf("idx_events_venue")).toBe(before)
  expect((await emsdb([...rebuild, "--yes"], database.url)).code).toBe(0)
  expect(await fileOf("idx_events_venue")).not.toBe(before)
  // Nothing would be dropped now, so nothing is asked.
  expect((await emsdb(rebuild, database.url)).code).toBe(0)
})

test("migrations that hold others up for long are asked for, and repair where something was begun", {
  timeout: 90_000
}, async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  expect((await emsdb(["migrate"], url)).code).toBe(0)
  // As if only the tables were there, and one of them large.
  await admin("delete from drizzle.__drizzle_migrations where name not like '%dry_bullseye'")
  const repair = await emsdb(["migrate", "repair"], url)
  expect(repair).toMatchObject({ code: 2, stdout: "" })
  expect(repair.stderr).toMatch(/^emsdb: Drop the invalid indexes that a killed run of \d+_\w+, [^\n]*--yes says so\n$/)
  expect((await emsdb(["migrate", "repair", "--yes"], url)).code).toBe(0)
  await admin("delete from ems_internal.migration_statement where migration not like '%dry_bullseye'")
  expect(await emsdb(["migrate", "repair"], url)).toMatchObject({ code: 0, stdout: "nothing to repair\n" })
  await admin("drop table refresh_tokens, admin_users")
  await admin("drop type admin_role")
  await admin("drop function set_updated_at cascade")
  for (
    const { name } of await admin(
      "select indexname as name from pg_indexes where schemaname = 'public' and indexname like 'idx_%'"
    )
  ) await admin(`drop index ${String(name)}`)
  expect((await emsdb(["migrate", "plan", "--json"], url)).code).toBe(0)
  await admin("alter table users drop constraint users_name_valid, alter name set storage plain")
  await admin(
    "insert into users (email, name) select n || '@example.org', repeat('x', 7900) from generate_series(1, 17000) n"
  )
  await admin("alter table users add constraint users_name_valid check (true)")
  for (const args of [["migrate"], ["migrate", "up"]]) {
    const refused = await emsdb(args, url)
    expect(refused).toMatchObject({ code: 2, stdout: "" })
    expect(refused.stderr).toMatch(/^emsdb: Apply the migrations\? [^\n]+There is nobody to ask: --yes says so\n$/)
  }
  expect(await admin("select to_regclass('admin_users') is null as missing")).toEqual([{ missing: true }])
  expect((await emsdb(["migrate", "--yes"], url)).code).toBe(0)
  expect(await emsdb(["migrate"], url)).toMatchObject({ code: 0 })
  await close()
})

describe.skipIf(!hasTerminal)("at a terminal", () => {
  test("the plan is shown on stderr, no is the answer that Enter gives, and yes does it", {
    timeout: 60_000
  }, async () => {
    const no = terminal(drop, database.url, { columns: 100 })
    await no.until("drop index concurrently public.extra;")
    await no.until("Drop public.extra?")
    no.type("\r")
    expect((await no.end()).code).toBe(5)
    expect(no.shown()).toContain("not confirmed; nothing was changed")
    expect(await isThere()).toBe(true)

    const yes = terminal(drop, database.url, { columns: 100 })
    await yes.until("Drop public.extra?")
    yes.type("y")
    expect((await yes.end()).code).toBe(0)
    expect(yes.shown()).toContain("drop-index public.extra: done")
    expect(await isThere()).toBe(false)
  })
})
