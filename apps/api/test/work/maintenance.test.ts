import { MaintenanceJobDetails, MaintenanceJobs, MaintenancePlan } from "@ems/schema/contract/Maintenance"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { get, problemOf } from "../support.ts"
import { acceptedOf, type Bench, bench, eventually, post } from "./support.ts"

const path = "/api/db/maintenance"
const strictly = { onExcessProperty: "error" } as const
const planOf = Schema.decodeUnknownSync(MaintenancePlan, strictly)
const detailsOf = Schema.decodeUnknownSync(MaintenanceJobDetails, strictly)
const jobsOf = Schema.decodeUnknownSync(MaintenanceJobs, strictly)

let it_: Bench
beforeAll(async () => {
  it_ = await bench()
})
afterAll(() => it_.close())

const details = async (self: string) => detailsOf(await (await it_.app.handle(get(self))).json())

const done = (self: string) => eventually(async () => (await details(self)).status !== "running")

const audited = (action: string) =>
  it_.admin(
    "select i.actor, i.target, i.reason, o.outcome, o.detail from ems_internal.audit_log i left join ems_internal.audit_log o " +
      "on o.intent_id = i.id where i.phase = 'intent' and i.action = $1 order by i.id",
    [action]
  )

describe("POST /api/db/maintenance", () => {
  it("answers a plan for a dry run, and does nothing", async () => {
    for (
      const action of [
        "createIndexes",
        "analyzeTables",
        "vacuumTables",
        "optimizeStorage",
        "maintenance"
      ]
    ) {
      const response = await it_.app.handle(post(path, { action, dryRun: true }))
      expect(response.status).toBe(200)
      expect(planOf(await response.json()).action).toBe(action)
    }
    expect(await it_.admin("select 1 from ems_internal.maintenance_job")).toEqual([])
    expect(await audited("maintenance.analyzeTables")).toEqual([])
  })

  it.each(
    [
      { action: "analyzeTables", tables: ["users"] },
      { action: "vacuumTables", tables: ["public.users", "events"], parallel: 2 },
      { action: "optimizeStorage", tables: ["users"] },
      { action: "createIndexes" },
      { action: "reindex", indexes: ["users_pkey"] },
      { action: "maintenance" }
    ] as const
  )("$action is done, recorded and audited", async (wanted) => {
    const { job, links } = await acceptedOf(await it_.app.handle(post(path, { ...wanted, reason: "it is due" })))
    expect(job).toMatchObject({ action: wanted.action, status: "running", actor: "anonymous" })
    await done(links.self)
    const after = await details(links.self)
    expect(after).toMatchObject({ id: job.id, status: "done", percent: 100, error: null })
    expect(after.plan?.action).toBe(wanted.action)
    expect(after.result?.jobId).toBe(job.id)
    const [entry] = await audited(`maintenance.${wanted.action}`)
    expect(entry).toMatchObject({ actor: "anonymous", reason: "it is due", outcome: "succeeded" })
  })

  it("drops an index that is named", async () => {
    await it_.admin("create index not_needed on users (id)")
    const { links } = await acceptedOf(
      await it_.app.handle(post(path, { action: "dropIndex", indexes: ["not_needed"] }))
    )
    await done(links.self)
    expect(await it_.admin("select 1 from pg_class where relname = 'not_needed'")).toEqual([])
  })

  it("refuses what is not a request of it", async () => {
    for (
      const body of [
        {},
        { action: "dropTables" },
        { action: "vacuumTables", table: ["users"] },
        { action: "vacuumTables", tables: "users" },
        { action: "vacuumTables", tables: ["users", "users"] },
        { action: "vacuumTables", tables: ["x".repeat(129)] },
        { action: "vacuumTables", parallel: 3 },
        { action: "vacuumTables", jobId: "00000000-0000-4000-8000-000000000000" },
        { action: "vacuumTables", actor: "somebody else" },
        { action: "vacuumTables", reason: " " }
      ]
    ) {
      expect([body, (await it_.app.handle(post(path, body))).status]).toEqual([body, 422])
    }
    const unknown = await problemOf(await it_.app.handle(post(path, { action: "vacuumTables", tables: ["user"] })))
    expect(unknown).toMatchObject({ status: 422, reason: "UnknownObject" })
    expect(unknown.detail).toContain("did you mean public.users")
  })

  it("409 names who runs a job, in this process and in another", async () => {
    const release = await it_.holdUp()
    const { headers, ...other } = await it_.guarded("operator")
    const first = await acceptedOf(
      await other.app.handle(post(path, { action: "analyzeTables", tables: ["users"] }, headers))
    )
    expect(first.job.actor).toMatch(/^operator\d+ \(token:\d+\)$/)
    for (const app of [it_.app, other.app]) {
      const problem = await problemOf(await app.handle(post(path, { action: "vacuumTables" }, headers)))
      expect(problem).toMatchObject({
        status: 409,
        reason: "RunnerBusy",
        runner: { action: "analyzeTables", actor: first.job.actor, jobId: first.job.id }
      })
    }
    await release()
    await done(first.links.self)
    const refused = (await audited("maintenance.vacuumTables")).at(-1)
    expect(refused).toMatchObject({ outcome: "failed", detail: "RunnerBusy" })
  })

  it("VACUUM FULL needs an admin", async () => {
    const wanted = { action: "optimizeStorage", tables: ["users"], full: true, dryRun: true }
    const operator = await it_.guarded("operator")
    const refused = await problemOf(await operator.app.handle(post(path, wanted, operator.headers)))
    expect(refused).toMatchObject({ status: 403, reason: "Forbidden" })
    const admin = await it_.guarded("admin")
    expect((await admin.app.handle(post(path, wanted, admin.headers))).status).toBe(200)
    const viewer = await it_.guarded("viewer")
    expect((await viewer.app.handle(post(path, { action: "vacuumTables" }, viewer.headers))).status).toBe(403)
  })
})

describe("/api/db/maintenance/jobs", () => {
  it("lists jobs in pages, the latest first or as asked", async () => {
    const list = async (query: string) => jobsOf(await (await it_.app.handle(get(`${path}/jobs${query}`))).json())
    const all = await list("")
    expect(all.total).toBeGreaterThan(5)
    const begun = all.items.map(({ startedAt }) => startedAt ?? "")
    expect(begun).toEqual(begun.toSorted((a, b) => (a < b ? 1 : -1)))
    const page = await list("?limit=2&offset=1&sort=action")
    expect(page).toMatchObject({ total: all.total, limit: 2, offset: 1 })
    expect(page.items).toHaveLength(2)
    const actions = all.items.map(({ action }) => action).toSorted()
    expect(page.items.map(({ action }) => action)).toEqual(actions.slice(1, 3))
    expect((await it_.app.handle(get(`${path}/jobs?sort=plan`))).status).toBe(422)
  })

  it("404 where there is no such job", async () => {
    for (const id of ["00000000-0000-4000-8000-000000000000", "unrecorded-1"]) {
      for (const suffix of ["", "/events"]) {
        const response = await it_.app.handle(get(`${path}/jobs/${id}${suffix}`))
        expect((await problemOf(response)).status).toBe(404)
      }
      const response = await it_.app.handle(get(`${path}/jobs/${id}`, { method: "DELETE" }))
      expect((await problemOf(response)).status).toBe(404)
    }
    expect((await problemOf(await it_.app.handle(get(`${path}/jobs/${encodeURIComponent("a'b")}`)))).status).toBe(422)
  })

  it.each(["this process", "another process"])("DELETE cancels a job of %s; 409 when it is over", async (whose) => {
    const release = await it_.holdUp()
    const starter = whose === "this process" ? it_ : await it_.second()
    const { links } = await acceptedOf(
      await starter.app.handle(post(path, { action: "analyzeTables", tables: ["users"] }))
    )
    const cancelled = await it_.app.handle(get(links.cancel, { method: "DELETE" }))
    expect(cancelled.status).toBe(202)
    await done(links.self)
    expect((await details(links.self)).status).toBe("cancelled")
    const again = await problemOf(await it_.app.handle(get(links.cancel, { method: "DELETE" })))
    expect(again).toMatchObject({ status: 409, reason: "JobOver" })
    await release()
    expect((await audited("maintenance.cancel")).at(-1)).toMatchObject({
      target: `job ${links.self.split("/").at(-1)}`,
      outcome: "succeeded"
    })
  })
})

describe("a job whose process ended", () => {
  it("is lost, and over: there is nothing to cancel", async () => {
    const [row] = await it_.admin(
      "insert into ems_internal.maintenance_job (action, request, pid) values ('analyzeTables', '{\"action\": \"analyzeTables\"}', 0) returning id::text"
    )
    const self = `${path}/jobs/${String(row?.["id"])}`
    expect((await details(self)).status).toBe("lost")
    expect((await it_.app.handle(get(self, { method: "DELETE" }))).status).toBe(409)
    expect(await (await it_.app.handle(get(`${self}/events`))).text()).toContain("event: failed")
  })
})

describe("without the tables of records", () => {
  it("a job runs and can be asked for, and no key is taken", async () => {
    const bare = await bench({ idempotency: false })
    await bare.admin("drop table ems_internal.maintenance_step, ems_internal.maintenance_job")
    const { job, links } = await acceptedOf(
      await bare.app.handle(post(path, { action: "analyzeTables", tables: ["users"] }))
    )
    await eventually(async () => detailsOf(await (await bare.app.handle(get(links.self))).json()).status === "done")
    expect(job.id).toMatch(/^unrecorded-/)
    const keyed = await bare.app.handle(post(path, { action: "analyzeTables" }, { "idempotency-key": "k" }))
    expect(await problemOf(keyed)).toMatchObject({
      status: 501,
      reason: "NotInstalled",
      detail: expect.stringContaining("emsdb init")
    })
    await bare.close()
  })
})
