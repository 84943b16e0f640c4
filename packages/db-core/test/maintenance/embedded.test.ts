/** What there is of maintenance where there is but one session: the actions, the records, no lock and no watching. */
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { Database } from "../../src/connection/Database.ts"
import { Maintenance } from "../../src/maintenance/Maintenance.ts"
import * as MaintenanceTables from "../../src/migration/MaintenanceTables.ts"
import { index, maintenanceLayer } from "./layer.ts"

describe("maintenance of an embedded database", () => {
  it("does what it does elsewhere, one after the other", { timeout: 60_000 }, async () => {
    const runtime = ManagedRuntime.make(maintenanceLayer("pglite:memory", {
      indexes: [index("t_v", "t", ["v"]), index("t_w", "t", ["(v + 1)"])]
    }))
    const admin = (statement: string) =>
      runtime.runPromise(Database.use((database) => database.direct((db) => db.execute(sql.raw(statement)))))
    await admin("create table t (id int primary key, v int)")
    await admin("insert into t select n, 1 from generate_series(1, 2000) n")
    await runtime.runPromise(MaintenanceTables.install)
    const maintenance = await runtime.runPromise(Maintenance)
    const run = <A, E>(effect: Effect.Effect<A, E>) => runtime.runPromise(effect)

    expect((await run(maintenance.plan({ action: "createIndexes" }))).steps).toHaveLength(2)
    const job = await run(maintenance.start({ action: "createIndexes", parallel: 2 }))
    const [seen, result] = await run(
      Effect.all([Stream.runCollect(maintenance.progress(job.id)), job.result], { concurrency: 2 })
    )
    expect([...seen].at(-1)).toMatchObject({ percent: 100, status: "done" })
    expect(result.steps.map(({ outcome }) => outcome)).toEqual(["done", "done"])
    expect((await run(maintenance.plan({ action: "createIndexes" }))).indexes.map(({ state }) => state))
      .toEqual(["present", "present"])

    // An invalid one is found and built again there, too.
    await admin("drop index t_v")
    await expect(admin("create unique index concurrently t_v on t (v)")).rejects.toThrow(/UniqueViolation/)
    const repaired = await run(maintenance.run({ action: "createIndexes" }))
    expect(repaired.steps).toMatchObject([{
      outcome: "done",
      step: { kind: "rebuild-index", because: "it is invalid" }
    }])

    await admin("delete from t where id < 1000")
    for (const action of ["analyzeTables", "vacuumTables", "optimizeStorage", "maintenance"] as const) {
      await run(maintenance.run({ action }))
    }
    await run(maintenance.run({ action: "reindex", indexes: ["t_w"] }))
    await run(maintenance.run({ action: "dropIndex", indexes: ["t_w"] }))
    expect((await run(maintenance.jobs())).map(({ action, status }) => `${action} ${status}`)).toEqual([
      "dropIndex done",
      "reindex done",
      "maintenance done",
      "optimizeStorage done",
      "vacuumTables done",
      "analyzeTables done",
      "createIndexes done",
      "createIndexes done"
    ])
    await runtime.dispose()
  })
})
