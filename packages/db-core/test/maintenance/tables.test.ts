import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { afterEach, describe, expect, it } from "vitest"
import { Maintenance } from "../../src/maintenance/Maintenance.ts"
import { maintenanceLayer } from "./layer.ts"
import { type Bench, bench, index, refusal } from "./support.ts"

let open: Bench | undefined
afterEach(async () => {
  await open?.close()
  open = undefined
})

/** What a session counted reaches the others' views when it is told to. */
const flush = "select pg_stat_force_next_flush()"

const start = async (count = 10_000) =>
  open = await bench({ indexes: [index("t_v", "t", ["v"])] }, [
    "create table t (id int primary key, v int not null, w text) with (autovacuum_enabled = false)",
    `insert into t select n, n % 100, md5(n::text) from generate_series(1, ${count}) n`,
    "create table u (id int primary key) with (autovacuum_enabled = false)",
    flush
  ])

describe("maintenance of tables", () => {
  it("analyses and vacuums, and says what came of it", async () => {
    const { admin, maintenance, run } = await start()
    const analyzed = await run(maintenance.run({ action: "analyzeTables" }))
    expect(analyzed.steps.map(({ outcome, step }) => [step.object, step.kind, outcome])).toEqual([
      ["t", "analyze", "done"],
      ["u", "analyze", "done"]
    ])
    await admin("delete from t where id <= 4000")
    await admin(flush)
    const { steps: [step] } = await run(maintenance.run({ action: "vacuumTables", tables: ["t"] }))
    expect(step).toMatchObject({ outcome: "done", removedRows: 4000, keptRows: 0, heldBackBy: [], note: null })
  })

  it("says who keeps VACUUM from removing what is dead", async () => {
    const { admin, maintenance, other, run } = await start()
    const client = await other()
    const { rows: [self] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
    await client.query("begin isolation level repeatable read")
    await client.query("select 'secret'")
    await admin("delete from t where id <= 4000")
    await admin(flush)
    const { steps: [held] } = await run(maintenance.run({ action: "vacuumTables", tables: ["t"] }))
    expect(held).toMatchObject({
      outcome: "nothing",
      removedRows: 0,
      keptRows: 4000,
      heldBackBy: [{ kind: "session", name: String(self?.pid), detail: "idle in transaction" }],
      note: expect.stringMatching(/^4000 dead rows are kept because of pid \d+ \(idle in transaction since \d+ s\)$/)
    })
    await client.query("commit")
    const { steps: [done] } = await run(maintenance.run({ action: "vacuumTables", tables: ["t"] }))
    expect(done).toMatchObject({ outcome: "done", keptRows: 0 })
  })

  it("leaves out what the role may not work on, and says so", async () => {
    const { admin, database } = await start()
    const role = `${database.name}_limited`
    await admin(`create role ${role} login password 'pw'`)
    await admin(`alter table u owner to ${role}`)
    await admin("grant usage on schema ems_internal to public")
    const url = new URL(database.url)
    url.username = role
    url.password = "pw"
    const runtime = ManagedRuntime.make(maintenanceLayer(url.href, { indexes: [] }))
    const maintenance = await runtime.runPromise(Maintenance)
    const { notes, steps } = await runtime.runPromise(maintenance.run({ action: "vacuumTables" }))
    expect(notes).toEqual([`public.t is left out: ${role} does not own it`])
    expect(steps.map(({ outcome, step }) => [step.object, outcome])).toEqual([["u", "done"]])
    await runtime.dispose()
  })

  it("does what is due: repairs, vacuums, analyses", async () => {
    const { admin, invalid, maintenance, run } = await start()
    await run(maintenance.run({ action: "vacuumTables" }))
    await run(maintenance.run({ action: "analyzeTables" }))
    expect((await run(maintenance.plan({ action: "maintenance" }))).steps).toEqual([])
    await admin("update t set v = v + 1 where id <= 1500")
    await admin(flush)
    const changed = (await run(maintenance.plan({ action: "maintenance" }))).steps
    expect(changed).toMatchObject([{ kind: "analyze", object: "t", because: "15 % of its rows changed" }])
    await admin("delete from t where id <= 3000")
    await admin(flush)
    await expect(admin("create unique index concurrently broken on t (v)")).rejects.toThrow(/unique/i)
    const plan = await run(maintenance.plan({ action: "maintenance" }))
    expect(plan.steps.map(({ kind, object, statements }) => [kind, object, ...statements])).toEqual([
      ["reindex", "broken", "reindex index concurrently public.broken"],
      ["vacuum", "t", "vacuum (analyze) public.t"]
    ])
    // What cannot be repaired fails, and leaves no twin behind.
    await expect(run(maintenance.run({ action: "maintenance" }))).rejects.toThrow(/UniqueViolation/)
    expect(await invalid()).toEqual(["broken"])
    await admin("drop index broken")
    const { steps } = await run(maintenance.run({ action: "maintenance" }))
    expect(steps).toMatchObject([{ outcome: "done" }])
    expect((await run(maintenance.plan({ action: "maintenance" }))).steps).toEqual([])
  })

  it("rebuilds named indexes, and drops what nothing needs, with the way back", async () => {
    const { admin, maintenance, run } = await start()
    await run(maintenance.run({ action: "createIndexes" }))
    const before = await admin("select relfilenode from pg_class where relname = 't_v'")
    const { steps: [rebuilt] } = await run(maintenance.run({ action: "reindex", indexes: ["t_v"] }))
    expect(rebuilt).toMatchObject({ outcome: "done", bytesBefore: expect.any(Number) })
    expect(await admin("select relfilenode from pg_class where relname = 't_v'")).not.toEqual(before)
    expect(await refusal(run(maintenance.plan({ action: "dropIndex", indexes: ["t_pkey"] })))).toMatchObject({
      _tag: "Unsupported",
      object: "public.t_pkey",
      because: expect.stringContaining("a primary key")
    })
    expect(await refusal(run(maintenance.plan({ action: "reindex" })))).toMatchObject({ _tag: "Unsupported" })
    const { steps: [dropped] } = await run(maintenance.run({ action: "dropIndex", indexes: ["t_v"] }))
    expect(dropped?.outcome).toBe("done")
    expect(await admin("select undo from ems_internal.maintenance_step where kind = 'drop-index'")).toEqual([
      { undo: "CREATE INDEX t_v ON public.t USING btree (v)" }
    ])
    await admin(dropped?.step.undo ?? "")
  })

  it("vacuums the partitions of a table that is named, and all of them by themselves", async () => {
    const { admin, maintenance, run } = await start(10)
    await admin("create table p (id int) partition by range (id)")
    await admin("create table p1 partition of p for values from (0) to (10)")
    const named = await run(maintenance.run({ action: "vacuumTables", tables: ["p"] }))
    expect(named.steps).toMatchObject([{ outcome: "done", note: null }])
    const { steps } = await run(maintenance.plan({ action: "vacuumTables" }))
    expect(steps.map(({ object }) => object)).toEqual(["p1", "t", "u"])
  })

  it("goes on where it was stopped", async () => {
    const { admin, maintenance, other, run } = await start()
    const client = await other()
    await client.query("begin")
    await client.query("lock table u in share update exclusive mode")
    const job = await run(maintenance.start({ action: "vacuumTables" }))
    for (;;) {
      const [step] = await admin("select from ems_internal.maintenance_step")
      if (step !== undefined) break
    }
    await run(maintenance.cancel(job.id))
    await client.query("rollback")
    const { steps } = await run(maintenance.run({ action: "vacuumTables" }))
    expect(steps.map(({ outcome, step }) => [step.object, outcome])).toEqual([["t", "resumed"], ["u", "done"]])
    const again = await run(maintenance.run({ action: "vacuumTables" }))
    expect(again.steps.map(({ outcome }) => outcome)).toEqual(["done", "done"])
  })

  it("tells how far it is, to everybody who asks", async () => {
    open = await bench({ indexes: [index("t_v", "t", ["(public.slowly(v))"])] }, [
      "create table t (id int primary key, v int not null, w text)",
      "insert into t select n, n, repeat('x', 200) from generate_series(1, 1000) n",
      `create function public.slowly(n int) returns int immutable language plpgsql as $$
        begin perform pg_sleep(0.001); return n; end $$`
    ])
    const { maintenance, run } = open
    const job = await run(maintenance.start({ action: "createIndexes" }))
    const listen = Stream.runCollect(maintenance.progress(job.id))
    const [seen, also] = await run(Effect.all([listen, listen], { concurrency: 2 }))
    const all = [...seen]
    const percents = all.map(({ percent }) => percent)
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(all.at(-1)).toMatchObject({ status: "done", percent: 100, doneSteps: 1, steps: 1, etaMs: 0 })
    expect([...also].at(-1)).toEqual(all.at(-1))
    const phases = new Set(all.flatMap(({ current }) => current.map(({ phase }) => phase)))
    expect([...phases].join()).toMatch(/building index|index validation/)
    expect(all.some(({ percent }) => percent > 0 && percent < 100)).toBe(true)
    expect(await refusal(run(Stream.runDrain(maintenance.progress("none"))))).toMatchObject({ _tag: "UnknownObject" })
    await run(job.result)
  })
})
