/** Who is in the way is named, what is done in vain leaves nothing, and who is cancelled stops at once. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { afterEach, describe, expect, it } from "vitest"
import { type Bench, bench, index, refusal, until } from "./support.ts"

let open: Bench | undefined
afterEach(async () => {
  await open?.close()
  open = undefined
})

const limits = { lockTimeout: 200, exclusiveLockTimeout: 100, attempts: 2, retryDelay: 10, cleanupTimeout: 2000 }

const start = async (count = 1000, lockTimeout = limits.lockTimeout) =>
  open = await bench({ indexes: [index("t_v", "t", ["v"])], limits: { ...limits, lockTimeout } }, [
    "create table t (id int primary key, v int not null, w text)",
    `insert into t select n, n % 100, md5(n::text) from generate_series(1, ${count}) n`
  ])

const create = { action: "createIndexes" } as const

const writer = {
  _tag: "LockTimeout",
  object: "public.t_v",
  attempts: 2,
  waitedMs: expect.any(Number),
  left: []
}

describe("maintenance behind other sessions", () => {
  it("names the writer that a build waits for, and begins none", async () => {
    const { admin, invalid, maintenance, other, run } = await start()
    const client = await other()
    const { rows: [self] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
    await client.query("begin")
    await client.query("insert into t values (0, 987654321, 'secret')")
    const blocker = {
      pid: self?.pid,
      user: expect.any(String),
      application: "ems-test-oracle",
      state: "idle in transaction",
      since: expect.stringMatching(/Z$/),
      query: "insert into t values (?, ?, ?)",
      holds: "lock"
    }
    expect((await run(maintenance.plan(create))).steps[0]?.blockers).toEqual([blocker])
    const failed = await run(maintenance.run(create)).catch((error: Error) => error)
    expect((failed as Error).message).not.toMatch(/secret|987654321/)
    expect(await refusal(run(maintenance.run(create)))).toEqual({ ...writer, blockers: [blocker] })
    expect(await invalid()).toEqual([])
    expect(await admin("select from pg_class where relname = 't_v'")).toEqual([])
    await client.query("commit")
    expect((await run(maintenance.plan(create))).steps[0]?.blockers).toEqual([])
    await run(maintenance.run(create))
  })

  it("names who has locked the table exclusively, and takes nothing of it for changed", async () => {
    const { admin, maintenance, other, run } = await start()
    await admin("create index extra on t (w)")
    const client = await other()
    await client.query("begin")
    await client.query("lock table t in access exclusive mode")
    const plan = await run(maintenance.plan(create))
    expect(plan.steps).toMatchObject([{ object: "t_v", blockers: [{ holds: "lock" }] }])
    expect(await refusal(run(maintenance.run(create)))).toMatchObject({
      _tag: "LockTimeout",
      blockers: [{ holds: "lock" }]
    })
    // What would make it again cannot be read now.
    expect(await refusal(run(maintenance.plan({ action: "dropIndex", indexes: ["extra"] })))).toMatchObject({
      _tag: "Unsupported",
      object: "public.extra"
    })
    await client.query("rollback")
    await run(maintenance.run(create))
    await client.query("begin")
    await client.query("lock table t in access exclusive mode")
    const { indexes, notes, steps } = await run(maintenance.plan(create))
    expect({ steps, state: indexes[0]?.state }).toEqual({ steps: [], state: "present" })
    expect(notes).toMatchObject([expect.stringContaining("public.t_v was not compared")])
    await client.query("rollback")
  })

  it("names a reader whose snapshot a build would wait for", async () => {
    const { maintenance, other, run } = await start()
    const client = await other()
    await client.query("begin isolation level repeatable read")
    await client.query("select 1")
    expect(await refusal(run(maintenance.run(create)))).toMatchObject({ blockers: [{ holds: "snapshot" }] })
  })

  it("gives up behind a lock that came in between, and removes what it had begun", async () => {
    const { admin, invalid, maintenance, other, run } = await start(40_000, 500)
    const client = await other()
    const building = run(maintenance.run(create))
    await until(async () =>
      (await admin("select from pg_stat_progress_create_index where datname = current_database()")).length > 0
    )
    await client.query("begin")
    await client.query("insert into t values (0, 0, '')")
    const refused = await refusal(building).catch(() => undefined)
    // It may have been past its last wait for writers.
    if (refused !== undefined) {
      expect(refused).toMatchObject({ _tag: "LockTimeout", blockers: [{ query: expect.any(String) }] })
    }
    await client.query("rollback")
    if (refused !== undefined) await run(maintenance.run(create))
    expect(await invalid()).toEqual([])
  })

  it("asks VACUUM FULL not to queue, and only for tables that are named", async () => {
    const { maintenance, other, run } = await start()
    expect(await refusal(run(maintenance.plan({ action: "optimizeStorage", full: true })))).toMatchObject({
      _tag: "Unsupported",
      because: expect.stringContaining("name the tables")
    })
    const full = { action: "optimizeStorage", full: true, tables: ["t"] } as const
    const plan = await run(maintenance.plan(full))
    expect(plan.steps).toMatchObject([{
      kind: "vacuum-full",
      lock: "AccessExclusive",
      blocks: "reads and writes",
      statements: ["vacuum (full, analyze) public.t"]
    }])
    expect(plan.steps[0]?.diskBytes).toBeGreaterThan(8192)
    const client = await other()
    await client.query("begin")
    await client.query("select from t")
    expect(await refusal(run(maintenance.run(full)))).toMatchObject({ _tag: "LockTimeout", object: "public.t" })
    await client.query("commit")
    const { steps } = await run(maintenance.run(full))
    expect(steps).toMatchObject([{ outcome: "done" }])
  })

  it("interrupted in a build, it stops the server and drops what was built", async () => {
    const { admin, invalid, maintenance, run } = await start(200_000, 10_000)
    const fiber = Effect.runFork(maintenance.run(create))
    await until(async () =>
      (await admin("select from pg_stat_progress_create_index where datname = current_database()")).length > 0
    )
    const before = performance.now()
    await Effect.runPromise(Fiber.interrupt(fiber))
    expect(performance.now() - before).toBeLessThan(2000)
    expect(await invalid()).toEqual([])
    expect(await admin("select from pg_class where relname = 't_v'")).toEqual([])
    expect(await run(maintenance.jobs(1))).toMatchObject([{ status: "cancelled" }])
    expect((await run(maintenance.run(create))).steps).toMatchObject([{ outcome: "done" }])
  })

  it("whose server process is terminated cleans up behind it", async () => {
    const { admin, invalid, maintenance, run } = await start(200_000, 10_000)
    const building = run(maintenance.run(create))
    const failed = expect(building).rejects.toThrow(/57P01|ConnectionLost/)
    await until(async () =>
      (await admin(
        "select pg_terminate_backend(pid) from pg_stat_progress_create_index where datname = current_database()"
      )).length > 0
    )
    await failed
    expect(await invalid()).toEqual([])
  })

  it("that loses its lock stops", async () => {
    const { admin, invalid, maintenance, run } = await start(200_000, 10_000)
    const building = run(maintenance.run(create))
    const failed = expect(building).rejects.toThrow(/57P01|ConnectionLost/)
    await until(async () =>
      (await admin("select from pg_stat_progress_create_index where datname = current_database()")).length > 0
    )
    await admin(
      "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"
    )
    await failed
    // Nobody was left to clean up: the next run does.
    await run(maintenance.run(create))
    expect(await invalid()).toEqual([])
    expect((await run(maintenance.jobs())).map(({ status }) => status)).toEqual(["done", "lost"])
  })

  it("a second job of this process is refused, and the first can be cancelled", async () => {
    const { admin, invalid, maintenance, other, run } = await start(1000, 5000)
    const client = await other()
    await client.query("begin")
    await client.query("insert into t values (0, 0, '')")
    const job = await run(maintenance.start({ ...create, actor: "ann" }))
    expect(await refusal(run(maintenance.run({ action: "maintenance" })))).toMatchObject({
      _tag: "RunnerBusy",
      action: "createIndexes",
      actor: "ann",
      jobId: job.id
    })
    expect(await run(job.report)).toBeUndefined()
    await run(Stream.runHead(Stream.filter(maintenance.progress(job.id), ({ current }) => current.length > 0)))
    expect(await run(maintenance.cancel(job.id))).toBe(true)
    // Whoever started it can still say what was done.
    const report = await run(job.report)
    expect(report).toMatchObject({ jobId: job.id, status: "cancelled" })
    expect(report?.steps.map(({ outcome }) => outcome)).toEqual(["cancelled"])
    expect(await refusal(run(job.result))).toEqual({ _tag: "Cancelled", jobId: job.id })
    expect(await run(maintenance.cancel(job.id))).toBe(false)
    expect(await invalid()).toEqual([])
    await client.query("rollback")
    await run(maintenance.run(create))
    expect(await admin("select from pg_class where relname = 't_v'")).toHaveLength(1)
  })
})
