import { describe, expect } from "vitest"
import { tableActivity } from "../../src/catalog/tableActivity.ts"
import { situation } from "./support.ts"

/** What this session counted is there for the others when it answers. */
const flush = "select pg_stat_force_next_flush()"

describe("table activity", () => {
  situation("counts reads, writes and what was updated in place", async ({ admin, rows, server }) => {
    await admin(
      "create table t (id int primary key, v int)",
      "insert into t select n, 0 from generate_series(1, 1000) n",
      "vacuum analyze t",
      // Room for their new versions is on their pages: these are HOT.
      "delete from t where id % 2 = 0",
      flush,
      "vacuum t",
      "update t set v = 1 where id <= 19",
      // This one changes the index.
      "update t set id = 5000 where id = 101",
      "select count(*) from t",
      flush
    )
    const found = await rows(tableActivity)
    expect(found).toMatchObject([{
      schema: "public",
      table: "t",
      inserts: 1000,
      updates: 11,
      deletes: 500,
      hotShare: 10 / 11,
      newPageShare: server === "15" ? null : 0,
      deadRows: 11,
      isLastVacuumAutomatic: false,
      isLastAnalyzeAutomatic: false,
      vacuums: 2,
      analyzes: 1
    }])
    const [t] = found
    expect(t?.sequentialScans).toBeGreaterThan(0)
    expect(t?.sequentialRows).toBeGreaterThanOrEqual(500)
    expect(t?.cacheHitRatio).toBeGreaterThan(0)
    if (server === "15") expect(t?.lastSequentialScan).toBeNull()
    else expect(Date.parse(t?.lastSequentialScan ?? "")).toBeGreaterThanOrEqual(Date.parse(t?.observedSince ?? ""))
    expect(Date.parse(t?.lastVacuum ?? "")).toBeGreaterThan(Date.parse(t?.observedSince ?? ""))
  })

  situation("is empty for a table that nobody touched", async ({ admin, rows }) => {
    await admin("create table t (id int)", flush)
    expect(await rows(tableActivity)).toMatchObject([{
      table: "t",
      hotShare: null,
      newPageShare: null,
      lastVacuum: null,
      isLastVacuumAutomatic: null,
      lastAnalyze: null,
      lastSequentialScan: null,
      cacheHitRatio: null
    }])
  })
})
