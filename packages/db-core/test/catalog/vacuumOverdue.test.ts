import { describe, expect } from "vitest"
import { vacuumDue } from "../../src/catalog/vacuumDue.ts"
import { withSessions } from "./Sessions.ts"
import { situation, type Stage } from "./support.ts"

/** Counters of before would otherwise come in after what has set them back. */
const flush = "select pg_stat_force_next_flush()"

const tableOf = async ({ rows }: Pick<Stage, "rows">) => (await rows(vacuumDue)).find(({ table }) => table === "t")

describe("vacuum overdue", () => {
  situation("a table excepted from autovacuum is told how to come back", async (stage) => {
    await stage.admin("create table t (id int) with (autovacuum_enabled = off)", "create table u (id int)")
    expect(await stage.findings("autovacuum-disabled")).toMatchObject([{
      object: { kind: "table", name: "public.t" },
      remediation: "alter table \"public\".\"t\" reset (autovacuum_enabled);"
    }])
    await stage.admin("alter table \"public\".\"t\" reset (autovacuum_enabled);")
    expect(await stage.findings("autovacuum-disabled")).toEqual([])
  })

  situation("overdue from twice its limit on, with enough rows to matter", async (stage) => {
    await stage.admin(
      "create table t (id int, v int)",
      "insert into t select n, 0 from generate_series(1, 1000) n",
      flush,
      "vacuum analyze t",
      "update t set v = 1 where id <= 400",
      flush
    )
    const limits = { "vacuum-overdue.rows": 100 }
    // Due, and autovacuum may be on its way.
    expect(await stage.findings("vacuum-overdue", limits)).toEqual([])
    await stage.admin("update t set v = 2 where id <= 200", flush)
    expect(await stage.findings("vacuum-overdue")).toEqual([])
    expect(await stage.findings("vacuum-overdue", limits)).toMatchObject([{
      object: { kind: "table", name: "public.t" },
      evidence: { deadRows: 600, deadLimit: 250 },
      remediation: "vacuum (analyze) \"public\".\"t\";"
    }])
    await stage.admin("vacuum t")
    expect(await stage.findings("vacuum-overdue", limits)).toEqual([])
  })

  situation("held back when VACUUM ran and somebody still sees the rows", async (stage) => {
    await stage.admin(
      "create table t (id int, v int)",
      "insert into t select n, 0 from generate_series(1, 1000) n",
      flush,
      "vacuum analyze t"
    )
    await withSessions(stage.url, ["A"], async ({ A }) => {
      await A!.run("begin isolation level repeatable read; select count(*) from t")
      await stage.admin("update t set v = 1", flush, "vacuum t", flush)
      expect(await tableOf(stage)).toMatchObject({ deadRows: 1000, isHeldBack: true })
      expect(await stage.findings("vacuum-overdue", { "vacuum-overdue.rows": 100 })).toMatchObject([{
        summary: "public.t was vacuumed, and its 1000 dead rows are still held",
        remediation: null
      }])
    })
    await stage.admin("vacuum t", flush)
    expect(await tableOf(stage)).toMatchObject({ deadRows: 0, isHeldBack: false })
  }, { embedded: false })
})
