import { checkNames } from "@ems/db-core/catalog/CheckReport"
import { Checks } from "@ems/schema/contract/Checks"
import { expect, it } from "vitest"
import { deadUrl, problemOf } from "../support.ts"
import { onDatabase, onUrl } from "./support.ts"

it("tells what is wrong and what mends it, until it is mended", () =>
  onDatabase(async (stage) => {
    await stage.admin(
      "create table t (id int primary key, v int)",
      "insert into t select n, 1 from generate_series(1, 3) n"
    )
    await expect(stage.admin("create unique index concurrently t_v on t (v)")).rejects.toThrow(/unique/)
    const report = await stage.ask("/api/db/checks?only=invalid-index,no-primary-key", Checks)
    expect(report.checks.map(({ name }) => name).toSorted()).toEqual(["invalid-index", "no-primary-key"])
    expect(report.summary).toEqual({ error: 1, warn: 0, info: 0, unavailable: 0 })
    expect(report.checks.flatMap(({ findings }) => findings)).toMatchObject([{
      object: { kind: "index", name: "public.t_v" },
      remediation: "reindex index concurrently \"public\".\"t_v\";"
    }])
    await stage.admin("drop index t_v")
    expect((await stage.ask("/api/db/checks?only=invalid-index", Checks)).summary.error).toBe(0)
    const all = await stage.ask("/api/db/checks", Checks)
    expect(all.checks.map(({ name }) => name)).toEqual(checkNames)
  }))

it("lists so many findings of one check, and counts all of them", () =>
  onDatabase(async (stage) => {
    await stage.admin(
      "do $$ begin for n in 1..205 loop execute format('create table t_%s (v int)', n); end loop; end $$"
    )
    const { checks: [check], summary } = await stage.ask("/api/db/checks?only=no-primary-key", Checks)
    expect(check?.findings).toHaveLength(200)
    expect(check?.notes.at(-1)).toMatch(/^Only 200 of 205/)
    expect(summary.error + summary.warn + summary.info).toBe(205)
  }))

it("names the checks there are when it is asked for another", () =>
  onUrl(deadUrl, async ({ response }) => {
    for (const only of ["invalid-idex", "", "invalid-index,", "%00"]) {
      const problem = await problemOf(await response(`/api/db/checks?only=${only}`))
      expect([only, problem.status, problem.detail]).toEqual([only, 422, expect.stringContaining("at /only")])
      expect(problem.detail).toContain("invalid-index")
    }
  }))
