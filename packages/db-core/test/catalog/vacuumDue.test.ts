import { describe, expect } from "vitest"
import { vacuumDue } from "../../src/catalog/vacuumDue.ts"
import { situation, type Stage } from "./support.ts"

const tableOf = async ({ rows }: Pick<Stage, "rows">, name: string, isToast = false) => {
  const found = (await rows(vacuumDue)).find((row) => row.table === name && row.isToast === isToast)
  if (found === undefined) throw new Error(`no table ${name}`)
  return found
}

/** Counters of before would otherwise come in after what has set them back. */
const flush = "select pg_stat_force_next_flush()"

describe("vacuum due", () => {
  situation("the server's thresholds, and what counts towards them", async (stage) => {
    await stage.admin(
      "create table t (id int, v int)",
      "insert into t select n, 0 from generate_series(1, 1000) n",
      flush,
      "vacuum analyze t",
      "update t set v = 1 where id <= 100",
      "insert into t select n, 0 from generate_series(1, 50) n",
      flush
    )
    expect(await tableOf(stage, "t")).toMatchObject({
      schema: "public",
      isEnabledOnTable: true,
      rows: 1000,
      deadRows: 100,
      deadLimit: 50 + 0.2 * 1000,
      insertedRows: 50,
      modifiedRows: 150,
      analyzeLimit: 50 + 0.1 * 1000,
      freezeLimit: 200_000_000,
      multixactLimit: 400_000_000,
      lastVacuumAt: expect.stringMatching(/^20\d\d-/),
      phase: null
    })
  })

  situation("a table's own figures win, and -1 turns inserts off", async (stage) => {
    await stage.admin(
      "create table t (id int) with (autovacuum_vacuum_threshold = 7, autovacuum_vacuum_scale_factor = 0.5, "
        + "autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 3, autovacuum_analyze_scale_factor = 0, "
        + "autovacuum_enabled = off, autovacuum_freeze_max_age = 100000, autovacuum_multixact_freeze_max_age = 10000)",
      "insert into t select generate_series(1, 100)",
      "vacuum analyze t"
    )
    expect(await tableOf(stage, "t")).toMatchObject({
      isEnabled: false,
      isEnabledOnTable: false,
      deadLimit: 7 + 50,
      insertLimit: null,
      analyzeLimit: 3,
      freezeLimit: 100_000,
      multixactLimit: 10_000
    })
  })

  situation("a TOAST table has its own row, and without options its table's", async (stage) => {
    await stage.admin(
      "create table a (v text) with (autovacuum_vacuum_threshold = 7)",
      "create table b (v text) with (autovacuum_vacuum_threshold = 7, toast.autovacuum_vacuum_threshold = 9)"
    )
    expect(await tableOf(stage, "a", true)).toMatchObject({ deadLimit: 7, analyzeLimit: null })
    expect(await tableOf(stage, "b", true)).toMatchObject({ deadLimit: 9 })
    expect(await tableOf(stage, "b")).toMatchObject({ deadLimit: 7 })
  })

  situation("18 caps the threshold, and leaves frozen pages out of the insert's", async (stage) => {
    const is18 = stage.server !== "15"
    await stage.admin(
      `create table t (id int) ${is18 ? "with (autovacuum_vacuum_max_threshold = 200)" : ""}`,
      "insert into t select generate_series(1, 10000)",
      // The first one of a new table does not count its frozen pages yet.
      "vacuum (freeze, analyze) t",
      "vacuum (freeze) t"
    )
    // Every page is frozen: on 18 only the base of 1000 remains.
    expect(await tableOf(stage, "t")).toMatchObject(
      is18
        ? { deadLimit: 200, insertLimit: 1000 }
        : { deadLimit: 50 + 2000, insertLimit: 1000 + 2000 }
    )
  })
})
