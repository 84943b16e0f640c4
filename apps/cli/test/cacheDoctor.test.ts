import { createTestDatabase } from "@ems/db-testing"
import { CacheDiagnosis } from "@ems/schema/contract/Cache"
import * as Schema from "effect/Schema"
import { expect, test } from "vitest"
import { emsdb, oneJson } from "./Emsdb.ts"

const decode = (text: string) => Schema.decodeUnknownSync(CacheDiagnosis)(oneJson(text))

test("says what to do where there is no change log, and that all is well after init", async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  const without = await emsdb(["cache", "doctor"], url)
  expect(without).toMatchObject({ code: 1, stderr: "" })
  expect(without.stdout).toContain("guarantee: none, nothing is cached\n")
  expect(without.stdout).toContain("to do: there is no change log, so nothing is cached: run emsdb init\n")

  expect((await emsdb(["init"], url)).stdout).toContain("change log: 6 tables, 6 of them added\n")
  const query = "select title from events where venue = $1"
  const { code, stderr, stdout } = await emsdb(["cache", "doctor", "--json", "--query", query], url)
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  const found = decode(stdout)
  expect(found).toMatchObject({
    guarantee: "bounded",
    stalenessMs: 500,
    log: { definitions: true },
    query: { tables: ["public.events"], bypass: null },
    advice: []
  })
  expect(found.tables.filter(({ bypass }) => bypass !== null)).toEqual([
    { name: "drizzle.__drizzle_migrations", bypass: "untracked" }
  ])

  await admin("alter table events disable trigger ems_change")
  const people = await emsdb(["cache", "doctor", "--query", "select now(), count(*) from users"], url)
  expect(people.code).toBe(1)
  expect(people.stdout).toContain("table public.events: not cached: its writes are not noted\n")
  expect(people.stdout).toContain("query: not cached: depends on the time or on chance\n")
  expect(people.stdout).toMatch(/to do: not under the change log: public\.events; /)
  // What an operator switched off init switches on again.
  expect((await emsdb(["init"], url)).stdout).toContain("change log: 6 tables, 1 of them added\n")
  await close()
})
