import { checkNames } from "@ems/db-core/catalog/CheckReport"
import { Checks } from "@ems/schema/contract/Checks"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { schemaChecks } from "../src/check/MigratedDatabase.ts"
import { emsdb, oneJson } from "./Emsdb.ts"

const product = path.resolve(import.meta.dirname, "../../../drizzle")

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-migrations-"))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

/** A migration behind the product's own, as a pull request adds one. */
const add = (sql: string) => {
  fs.cpSync(product, folder, { recursive: true })
  fs.mkdirSync(path.join(folder, "29991231000000_of_a_pull_request"))
  fs.writeFileSync(path.join(folder, "29991231000000_of_a_pull_request", "migration.sql"), sql)
}

const check = async (...args: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await emsdb(["check", "--migrations", ...args, "--json"])
  expect(stderr).toBe("")
  return { code, report: Schema.decodeUnknownSync(Checks, { onExcessProperty: "error" })(oneJson(stdout)) }
}

test("the product's own migrations pass, without a database, and what was left out is named", async () => {
  const { code, report } = await check("--require-all", "--fail-on", "info")
  expect(code).toBe(0)
  expect(report.checks.map(({ name }) => name).toSorted()).toEqual(schemaChecks.toSorted())
  expect(report.leftOut?.names.length).toBe(checkNames.length - schemaChecks.length)
  expect(checkNames).toEqual(expect.arrayContaining([...schemaChecks]))
  const { stdout } = await emsdb(["check", "--migrations"])
  expect(stdout.replaceAll(/\s+/g, " ")).toContain("left out, an empty database that 4 migrations made has no answer: ")
}, 60_000)

test("a pull request with an unindexed foreign key, a twin of an index and no primary key fails", async () => {
  add(`create table notes (event_id integer not null references events (id), body text);
create index notes_body on notes (body);
create index notes_body_again on notes (body);
alter table notes add constraint short check (length(body) < 1000) not valid;`)
  const { code, report } = await check("--folder", folder)
  expect(code).toBe(1)
  const found = report.checks.flatMap(({ findings }) => findings)
  expect(found.map(({ cacheKey, severity }) => `${severity} ${cacheKey}`).toSorted()).toEqual([
    "warn no-primary-key:table:public.notes",
    "warn not-validated-constraint:constraint:public.notes.short",
    expect.stringMatching(/^warn redundant-index:index:public\.notes_body/),
    expect.stringMatching(/^warn unindexed-foreign-key:constraint:public\.notes\.notes_event_id/)
  ])
  const { code: github, stdout } = await emsdb(["check", "--migrations", "--folder", folder, "--format", "github"])
  expect(github).toBe(1)
  expect(stdout).toMatch(/^::warning title=unindexed-foreign-key%3A public\.notes\.notes_event_id[^\n]*::No index of /m)
}, 60_000)

test.each([
  ["no folder", [], "a folder that drizzle-kit generate has written"],
  ["a folder without migrations", ["empty"], "a folder that drizzle-kit generate has written"]
])("%s finds nothing, and is a mistake", async (_, inside, says) => {
  for (const name of inside) fs.mkdirSync(path.join(folder, name))
  const where = inside.length === 0 ? path.join(folder, "nowhere") : folder
  const { code, stderr, stdout } = await emsdb(["check", "--migrations", "--folder", where])
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
  expect(stderr).toMatch(/^emsdb: [^\n]+\n$/)
  expect(stderr).toContain(says)
})

test("SQL that Postgres does not read is a mistake of its file; SQL that fails ends the run", async () => {
  add("creat table t ()")
  const unread = await emsdb(["check", "--migrations", "--folder", folder])
  expect(unread).toMatchObject({ code: 2, stdout: "" })
  expect(unread.stderr).toMatch(/^emsdb: [^\n]*29991231000000_of_a_pull_request[^\n]*\n$/)
  fs.rmSync(folder, { recursive: true })
  add("alter table no_such_table add column x int")
  const failed = await emsdb(["check", "--migrations", "--folder", folder])
  expect(failed).toMatchObject({ code: 5, stdout: "" })
  expect(failed.stderr).toMatch(/^emsdb: [^\n]+\n$/)
}, 60_000)

test.each([
  [["--folder", "x"], "--migrations beside it"],
  [["--migrations", "--only", "setting"], "one of invalid-index"]
])("%s is a mistake", async (args, says) => {
  const { code, stderr } = await emsdb(["check", ...args])
  expect(code).toBe(2)
  expect(stderr).toContain(says)
})
