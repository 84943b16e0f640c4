import "@ems/db-testing/context"
import { afterEach, describe, expect, inject, it } from "vitest"
import type { MaintenanceOptions } from "../../src/maintenance/Maintenance.ts"
import { type Bench, bench, index, refusal } from "./support.ts"

let open: Bench | undefined
const on = async (options: MaintenanceOptions, ...statements: ReadonlyArray<string>) =>
  open = await bench(options, statements)
afterEach(async () => {
  await open?.close()
  open = undefined
})

const rows = (count: number) => [
  "create table t (id int primary key, v int not null, w text)",
  `insert into t select n, n % 100, 'w' || n from generate_series(1, ${count}) n`
]

const create = { action: "createIndexes" } as const

describe("createIndexes", () => {
  it("builds what is missing, once", async () => {
    const { admin, maintenance, run } = await on({
      indexes: [index("t_v", "t", ["v"]), index("t_w", "t", ["w DESC"], { predicate: "v > 10" })]
    }, ...rows(1000))
    const plan = await run(maintenance.plan(create))
    expect(plan.steps.map(({ because, kind, object }) => ({ because, kind, object }))).toEqual([
      { kind: "create-index", object: "t_v", because: "it is missing" },
      { kind: "create-index", object: "t_w", because: "it is missing" }
    ])
    expect(await admin("select from pg_class where relname in ('t_v', 't_w', 'ems_copy')")).toEqual([])
    const result = await run(maintenance.run({ ...create, actor: "ann" }))
    expect(result.steps.map(({ outcome }) => outcome)).toEqual(["done", "done"])
    expect(
      await admin(
        "select indexname, indexdef from pg_indexes where indexname <> 't_pkey' and tablename = 't' order by 1"
      )
    )
      .toEqual([
        { indexname: "t_v", indexdef: "CREATE INDEX t_v ON public.t USING btree (v)" },
        { indexname: "t_w", indexdef: "CREATE INDEX t_w ON public.t USING btree (w DESC) WHERE (v > 10)" }
      ])
    const again = await run(maintenance.run(create))
    expect(again.steps).toEqual([])
    expect(again.indexes.map(({ state }) => state)).toEqual(["present", "present"])
    const [second, first] = await run(maintenance.jobs())
    expect(first).toMatchObject({ action: "createIndexes", status: "done", actor: "ann", error: null })
    expect(first?.progress).toMatchObject({ percent: 100, status: "done", doneSteps: 2 })
    expect(second).toMatchObject({ status: "done" })
    expect(await admin("select object, kind, outcome from ems_internal.maintenance_step order by at_step")).toEqual([
      { object: "public.t_v", kind: "create-index", outcome: "done" },
      { object: "public.t_w", kind: "create-index", outcome: "done" }
    ])
    // The next plan knows what it takes.
    await admin("drop index t_v")
    const [step] = (await run(maintenance.plan(create))).steps
    expect(step?.estimatedMs).toBeGreaterThanOrEqual(0)
    expect(step?.diskBytes).toBeGreaterThan(1000 * 16)
  })

  it("drops and builds again what is invalid, where IF NOT EXISTS would find it there", async () => {
    const { admin, invalid, maintenance, run } = await on(
      { indexes: [index("t_v", "t", ["v"], { unique: true })] },
      ...rows(200)
    )
    await expect(admin("create unique index concurrently t_v on t (v)")).rejects.toThrow(/unique/i)
    expect(await invalid()).toEqual(["t_v"])
    await admin("delete from t where id > 50")
    const plan = await run(maintenance.plan(create))
    expect(plan.steps).toMatchObject([{ kind: "rebuild-index", because: "it is invalid" }])
    await run(maintenance.run(create))
    expect(await invalid()).toEqual([])
    expect(await admin("select indisvalid from pg_index where indexrelid = 't_v'::regclass")).toEqual([
      { indisvalid: true }
    ])
  })

  it("leaves no invalid index when the build fails", async () => {
    const { invalid, maintenance, run } = await on(
      { indexes: [index("t_v", "t", ["v"], { unique: true })] },
      ...rows(200)
    )
    await expect(run(maintenance.run(create))).rejects.toThrow(/UniqueViolation/)
    expect(await invalid()).toEqual([])
    const [job] = await run(maintenance.jobs())
    expect(job).toMatchObject({ status: "failed", error: { message: expect.stringContaining("UniqueViolation") } })
  })

  it("tells drift from what Postgres writes differently", async () => {
    const definitions = [
      index("i_plain", "t", ["v"]),
      index("i_desc", "t", ["v DESC", "w"]),
      index("i_nulls", "t", ["v NULLS FIRST"]),
      index("i_class", "t", ["w text_pattern_ops"]),
      index("i_collation", "t", ["w COLLATE \"C\""]),
      index("i_expression", "t", ["(lower(w))"]),
      index("i_partial", "t", ["v"], { predicate: "v in (1, 2) and w = 'a'" }),
      index("i_unique", "t", ["id", "v"], { unique: true }),
      index("i_hash", "t", ["v"], { method: "hash" })
    ]
    const { admin, maintenance, run } = await on({ indexes: definitions }, ...rows(10))
    await run(maintenance.run(create))
    const states = async () =>
      Object.fromEntries((await run(maintenance.plan(create))).indexes.map(({ name, state }) => [name, state]))
    expect(new Set(Object.values(await states()))).toEqual(new Set(["present"]))
    const changed = {
      i_plain: "create index i_plain on t (w)",
      i_desc: "create index i_desc on t (v, w)",
      i_nulls: "create index i_nulls on t (v)",
      i_class: "create index i_class on t (w)",
      i_collation: "create index i_collation on t (w)",
      i_expression: "create index i_expression on t (upper(w))",
      i_partial: "create index i_partial on t (v) where v in (1, 2)",
      i_unique: "create index i_unique on t (id) include (v)",
      i_hash: "create index i_hash on t (v)"
    }
    for (const [name, sql] of Object.entries(changed)) {
      await admin(`drop index ${name}`)
      await admin(sql)
    }
    await admin("create index extra on t (w, v)")
    expect(await states()).toEqual({
      ...Object.fromEntries(Object.keys(changed).map((name) => [name, "drifted"])),
      extra: "extra"
    })
    expect((await run(maintenance.run(create))).steps).toEqual([])
    const rebuilt = await run(
      maintenance.run({ ...create, rebuildDrifted: true, indexes: ["i_unique", "public.i_hash"] })
    )
    expect(rebuilt.steps.map(({ step }) => step.undo)).toEqual([
      "CREATE INDEX i_unique ON public.t USING btree (id) INCLUDE (v)",
      "CREATE INDEX i_hash ON public.t USING btree (v)"
    ])
    await run(maintenance.run({ ...create, rebuildDrifted: true }))
    const { extra, ...others } = await states()
    expect(extra).toBe("extra")
    expect(new Set(Object.values(others))).toEqual(new Set(["present"]))
  })

  it("takes identifiers from the catalog, whatever is in them", async () => {
    const table = "Ta\"b; drop table \"t"
    const name = "In dex\"; --"
    const { admin, maintenance, run } = await on(
      { indexes: [index(name, table, ["\"Co l\""])] },
      "create table t (id int)",
      `create table "Ta""b; drop table ""t" ("Co l" int)`
    )
    const result = await run(maintenance.run(create))
    expect(result.steps.map(({ outcome }) => outcome)).toEqual(["done"])
    expect((await run(maintenance.plan(create))).indexes).toMatchObject([{ state: "present" }])
    await run(maintenance.run({ action: "vacuumTables", tables: [table] }))
    await run(maintenance.run({ action: "reindex", indexes: [`public.${name}`] }))
    await run(maintenance.run({ action: "dropIndex", indexes: [name] }))
    expect(
      await admin(
        "select relname from pg_class where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace order by 1"
      )
    )
      .toEqual([{ relname: table }, { relname: "t" }])
  })

  it("says what a name that is not there might have meant", async () => {
    const { admin, maintenance, run } = await on({ indexes: [index("t_v", "t", ["v"])] }, ...rows(1))
    expect(await refusal(run(maintenance.plan({ ...create, indexes: ["t_w"] })))).toEqual({
      _tag: "UnknownObject",
      kind: "index",
      name: "t_w",
      nearest: ["public.t_v"]
    })
    expect(await refusal(run(maintenance.run({ action: "vacuumTables", tables: ["x; drop table t"] })))).toMatchObject({
      _tag: "UnknownObject",
      kind: "table",
      nearest: []
    })
    // A name that stands for two is none.
    await admin("create schema s")
    await admin("create table s.t ()")
    expect(await refusal(run(maintenance.plan({ action: "vacuumTables", tables: ["t"] })))).toMatchObject({
      nearest: ["public.t", "s.t"]
    })
    expect((await run(maintenance.plan({ action: "vacuumTables", tables: ["s.t"] }))).steps).toMatchObject([
      { statements: ["vacuum s.t"] }
    ])
  })

  it("notes a table that is missing, and a definition that the server refuses", async () => {
    const { maintenance, run } = await on(
      { indexes: [index("a", "nowhere", ["v"]), index("b", "t", ["nothing"]), index("c", "t", ["v"])] },
      ...rows(1)
    )
    const { notes, steps } = await run(maintenance.run(create))
    expect(notes).toEqual([
      expect.stringContaining("there is no table public.nowhere"),
      expect.stringContaining("public.b was not compared")
    ])
    expect(steps.map(({ step }) => step.object)).toEqual(["c"])
  })

  it("keeps no records where the tables are not installed, and works all the same", async () => {
    open = await bench({ indexes: [index("t_v", "t", ["v"])] }, rows(1), { install: false })
    const { maintenance, run } = open
    expect((await run(maintenance.run(create))).steps.map(({ outcome }) => outcome)).toEqual(["done"])
    expect(await run(maintenance.jobs())).toEqual([])
  })

  it("does the same on the oldest server", async (ctx) => {
    if (inject("postgres15Url") === undefined) return ctx.skip("Postgres 15 is not installed")
    open = await bench({ indexes: [index("t_v", "t", ["v"]), index("t_w", "t", ["(lower(w))"])] }, rows(1000), {
      oldest: true
    })
    const { maintenance, run } = open
    for (
      const action of ["createIndexes", "analyzeTables", "vacuumTables", "optimizeStorage", "maintenance"] as const
    ) {
      await run(maintenance.run({ action }))
    }
    await run(maintenance.run({ action: "reindex", indexes: ["t_v"] }))
    await run(maintenance.run({ action: "optimizeStorage", full: true, tables: ["t"] }))
    await run(maintenance.run({ action: "dropIndex", indexes: ["t_v"] }))
    const jobs = await run(maintenance.jobs())
    expect(jobs.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => "done"))
    expect((await run(maintenance.plan(create))).indexes.map(({ name, state }) => [name, state])).toEqual([
      ["t_v", "missing"],
      ["t_w", "present"]
    ])
  })

  it("works at two tables at a time", async () => {
    const { maintenance, run } = await on(
      { indexes: [index("t_v", "t", ["v"]), index("t_w", "t", ["w"]), index("u_v", "u", ["v"])] },
      ...rows(5000),
      "create table u as select * from t"
    )
    const { steps } = await run(maintenance.run({ ...create, parallel: 2 }))
    expect(steps.map(({ outcome, step }) => [step.object, outcome])).toEqual([
      ["t_v", "done"],
      ["t_w", "done"],
      ["u_v", "done"]
    ])
  })
})
