import { createTestDatabase } from "@ems/db-testing"
import { Checks } from "@ems/schema/contract/Checks"
import * as Schema from "effect/Schema"
import { expect, test } from "vitest"
import { emsdb, oneJson } from "./Emsdb.ts"

test("names an index that nobody can use and what mends it, until it is mended", async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  await admin("create table t (id int primary key, v int)")
  await admin("insert into t select n, 1 from generate_series(1, 3) n")
  await expect(admin("create unique index concurrently t_v on t (v)")).rejects.toThrow(/unique/)
  const only = ["check", "--only", "invalid-index"]

  const people = await emsdb(only, url)
  expect(people).toMatchObject({ code: 1, stderr: "" })
  expect(people.stdout).toMatch(
    /^error: 1\n check +\| finding\n[-+]+\n invalid-index \| public\.t_v on public\.t was not built/
  )
  expect(people.stdout).toContain("  reindex index concurrently \"public\".\"t_v\";\n")
  const programs = await emsdb([...only, "--json"], url)
  expect(programs.code).toBe(1)
  expect(Schema.decodeUnknownSync(Checks)(oneJson(programs.stdout))).toMatchObject({
    summary: { error: 1, warn: 0, info: 0, unavailable: 0 },
    checks: [{ name: "invalid-index", findings: [{ cacheKey: "invalid-index:index:public.t_v" }] }]
  })

  await admin("drop index t_v")
  expect(await emsdb(only, url)).toMatchObject({ code: 0, stderr: "" })
  await close()
})

test("finds nothing wrong with its own database", async () => {
  const { close, url } = await createTestDatabase({ template: false })
  expect((await emsdb(["init"], url)).code).toBe(0)
  const { stdout } = await emsdb(["check", "--json"], url)
  const { checks } = Schema.decodeUnknownSync(Checks)(oneJson(stdout))
  const ours = checks.flatMap(({ findings }) => findings).filter(({ object }) =>
    /^(public|ems_internal|drizzle)\./.test(object.name)
  )
  expect(ours).toEqual([])
  const notes = checks.flatMap(({ notes }) => notes)
  expect(notes).toContainEqual(
    expect.stringMatching(/^public\.idx_registrations_user_id is kept on purpose: A left prefix/)
  )
  await close()
})

test("names a check that there is not, and those there are", async () => {
  const { close, url } = await createTestDatabase()
  const { code, stderr } = await emsdb(["check", "--only", "invalid-idex"], url)
  expect(code).toBe(2)
  expect(stderr).toContain("--only: \"invalid-idex\". Expected: one of invalid-index")
  await close()
})
