import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { MaintenancePlan, MaintenanceResult } from "@ems/schema/contract/Maintenance"
import { Problem } from "@ems/schema/contract/Problem"
import * as Schema from "effect/Schema"
import { stripVTControlCharacters } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type ApiProcess, operatorToken, startApi } from "./ApiProcess.ts"
import { decoded, emsdb, oneJson } from "./Emsdb.ts"
import { building, hold, invalid, slowDown } from "./SlowBuild.ts"
import { hasTerminal, terminal } from "./Terminal.ts"

describe("maintenance through an API", () => {
  let database: TestDatabase
  let api: ApiProcess
  let token = ""
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    expect((await emsdb(["init"], database.url)).code).toBe(0)
    token = await operatorToken(database.url)
    api = await startApi(database.url)
  }, 60_000)
  afterAll(async () => {
    await api.end()
    await database.close()
  })
  const ask = (...args: ReadonlyArray<string>) =>
    emsdb([...args, "--api", api.url], undefined, { EMS_API_TOKEN: token })

  test("does it there, and says the same", { timeout: 60_000 }, async () => {
    const plan = decoded(MaintenancePlan, await ask("vacuum", "--tables", "events", "--dry-run", "--json"))
    expect(plan.steps).toMatchObject([{ kind: "vacuum", object: "events" }])
    const result = decoded(MaintenanceResult, await ask("analyze", "--tables", "events", "--json"))
    expect(result).toMatchObject({ action: "analyzeTables", status: "done", steps: [{ outcome: "done" }] })
    const people = await ask("reindex", "--indexes", "idx_events_date")
    expect(people.code).toBe(0)
    expect(people.stdout).toMatch(/^reindex public\.idx_events_date: done, /)
    const jobs = await database.admin("select actor from ems_internal.maintenance_job order by started_at")
    expect(jobs.map(({ actor }) => String(actor).split(" ")[0])).toEqual(["test", "test"])
  })

  test("asks before it drops, and tells a name that is not there", { timeout: 60_000 }, async () => {
    expect(await ask("indexes", "drop", "--indexes", "idx_events_date")).toMatchObject({ code: 2, stdout: "" })
    expect(await ask("reindex", "--indexes", "idx_event_date")).toMatchObject({ code: 2, stdout: "" })
    expect(await ask("optimize", "--full", "--tables", "events", "--yes")).toMatchObject({ code: 5, stdout: "" })
  })

  test.skipIf(!hasTerminal)(
    "Ctrl-C cancels there; who asks meanwhile is told who runs it",
    { timeout: 60_000 },
    async () => {
      await slowDown(database)
      await database.admin("drop index if exists idx_events_date, idx_events_venue")
      const more = { EMS_API_TOKEN: token }
      const { end, shown, type, until } = terminal(["indexes", "create", "--api", api.url], database.url, { more })
      const { release } = await hold(database)
      await until("waiting for old snapshots")
      const second = await ask("analyze", "--json")
      expect(second).toMatchObject({ code: 4, stdout: "" })
      expect(Schema.decodeUnknownSync(Problem)(oneJson(second.stderr))).toMatchObject({ reason: "RunnerBusy" })
      type("\u0003")
      const { code } = await end()
      expect(code).toBe(5)
      expect(await building(database)).toEqual([])
      expect(await invalid(database)).toEqual([])
      const said = stripVTControlCharacters(shown()).replaceAll("\r", "")
      expect(said).toContain("create-index public.idx_events_date: cancelled\n")
      expect(said).toMatch(/emsdb: interrupted: 0 of 2 steps done, 1 cancelled, 1 not begun\n$/)
      await release()
    }
  )
})
