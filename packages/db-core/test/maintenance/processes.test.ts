/** Two processes, and processes that are killed: what is promised of a runner is promised of those. */
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import * as path from "node:path"
import * as readline from "node:readline"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { IndexDefinition } from "../../src/catalog/IndexDefinition.ts"
import type { JobResult } from "../../src/maintenance/JobResult.ts"
import { Maintenance } from "../../src/maintenance/Maintenance.ts"
import type { MaintenanceRequest } from "../../src/maintenance/MaintenanceRequest.ts"
import { maintenanceLayer } from "./layer.ts"
import { type Bench, bench, index, refusal, until } from "./support.ts"

const definitions = [
  index("t_v", "t", ["v"]),
  index("t_w", "t", ["w"]),
  index("t_vw", "t", ["v", "w"], { predicate: "v > 3" }),
  index("u_v", "u", ["v"]),
  index("u_w", "u", ["(lower(w))"])
]

const create = { action: "createIndexes", parallel: 2, actor: "a child" } as const

interface Said {
  readonly word: string
  readonly cause?: string
}

describe("runners in other processes", () => {
  let it_: Bench
  const children: Array<ChildProcess> = []
  beforeAll(async () => {
    it_ = await bench({ indexes: definitions }, [
      "create table t (id int primary key, v int not null, w text)",
      "insert into t select n, n % 1000, md5(n::text) from generate_series(1, 60000) n",
      "create table u as select * from t"
    ])
  })
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL")
    await it_.close()
  })

  const start = (request: MaintenanceRequest, indexes: ReadonlyArray<IndexDefinition> = definitions) => {
    const child = spawn(process.execPath, [
      path.join(import.meta.dirname, "maintenanceProcess.ts"),
      it_.database.url,
      JSON.stringify(indexes),
      JSON.stringify(request)
    ], { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env["PATH"] ?? "", NODE_NO_WARNINGS: "1" } })
    children.push(child)
    const said: Array<Said> = []
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      // Logs go there as well.
      if (line.startsWith("{")) said.push(JSON.parse(line) as Said)
    })
    return {
      child,
      said,
      ended: new Promise<void>((resolve) => child.once("close", () => resolve())),
      hasSaid: (word: string) => until(async () => said.some((one) => one.word === word))
    }
  }
  const dropAll = async () => {
    for (const { name } of definitions) await it_.admin(`drop index if exists ${name}`)
  }
  const valid = async () =>
    (await it_.admin(
      "select count(*)::int as n from pg_index where indisvalid and indrelid in ('t'::regclass, 'u'::regclass)"
    ))[0]?.["n"]

  it("one runs, the other is told who does and what", async () => {
    await dropAll()
    const other = await it_.other()
    await other.query("begin")
    await other.query("insert into t values (0, 0, 'secret')")
    const first = start(create)
    await first.hasSaid("begun")
    const refused = await refusal(it_.run(it_.maintenance.run({ action: "vacuumTables" })))
    const [runner] = await it_.admin(
      "select pid from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"
    )
    expect(refused).toEqual({
      _tag: "RunnerBusy",
      pid: runner?.["pid"],
      application: `child ${first.child.pid} maintenance`,
      action: "createIndexes",
      actor: "a child",
      jobId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      since: expect.stringMatching(/^\d{4}-.*Z$/)
    })
    const second = start({ action: "analyzeTables" })
    await second.ended
    expect(second.said).toMatchObject([{ word: "Failure", cause: expect.stringContaining("RunnerBusy") }])
    await other.query("rollback")
    await first.ended
    expect(first.said.at(-1)).toEqual({ word: "Success", steps: definitions.length })
    expect(await valid()).toBe(1 + definitions.length)
  })

  it("killed at any moment, it converges", { timeout: 120_000 }, async () => {
    for (let round = 0; round < 10; round++) {
      await dropAll()
      const { child, ended, hasSaid } = start(create)
      await hasSaid("begun")
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 500))
      child.kill("SIGKILL")
      await ended
      // The server needs a moment to see that the runner's session is gone.
      await until(async () => {
        const job = await it_.run(it_.maintenance.run(create)).catch((error: Error) => error)
        if (!(job instanceof Error)) return true
        expect(job.message).toMatch(/is running since/)
        return false
      })
      expect(await it_.invalid()).toEqual([])
      expect(await valid()).toBe(1 + definitions.length)
    }
    const statuses = (await it_.run(it_.maintenance.jobs())).map(({ status }) => status)
    expect(statuses.filter((status) => status === "lost").length).toBeGreaterThan(2)
    expect(statuses).not.toContain("running")
  })

  it("waits for the end of a build that a killed process left running, and builds it anew", async () => {
    await it_.admin("create table slow (id int primary key)")
    await it_.admin("insert into slow select n from generate_series(1, 20000) n")
    await it_.admin("create table switch as select true as is_slow")
    await it_.admin(`create function public.slowly(n int) returns int immutable language plpgsql as $$
      begin
        if exists (select from public.switch where is_slow) then perform pg_sleep(0.002); end if;
        return n;
      end $$`)
    const definition = index("slow_id", "slow", ["(public.slowly(id))"])
    const { child, ended, hasSaid } = start({ action: "createIndexes" }, [definition])
    await hasSaid("begun")
    await until(async () =>
      (await it_.admin(
        "select from pg_stat_progress_create_index where datname = current_database() and phase like '%: scanning table'"
      )).length > 0
    )
    const job = await it_.run(it_.maintenance.jobs(1))
    expect(job).toMatchObject([{ status: "running" }])
    child.kill("SIGKILL")
    await ended
    // Who listens is told, although nobody has run anything since.
    const heard = await it_.run(Stream.runCollect(it_.maintenance.progress(job[0]?.id ?? "")))
    expect([...heard].at(-1)).toMatchObject({ status: "failed", action: "createIndexes" })
    // The build that goes on does not see this; another one does.
    await it_.admin("update switch set is_slow = false")
    const runtime = ManagedRuntime.make(maintenanceLayer(it_.database.url, { indexes: [definition] }))
    const begun = performance.now()
    let result: JobResult | undefined
    await until(async () => {
      result = await runtime.runPromise(Maintenance.use(({ run }) => run(create))).catch(() => undefined)
      return result !== undefined
    })
    expect(result?.steps).toMatchObject([{
      outcome: "done",
      step: { kind: "rebuild-index", because: "it is invalid" }
    }])
    // By itself it would have taken 40 s to see that nobody waits for it.
    expect(performance.now() - begun).toBeLessThan(10_000)
    expect(await it_.invalid()).toEqual([])
    await runtime.dispose()
  })

  it("cancelled from another process, it ends and leaves nothing", async () => {
    await dropAll()
    const other = await it_.other()
    await other.query("begin")
    await other.query("insert into t values (-1, 0, 'secret')")
    const { ended, hasSaid, said } = start({ action: "createIndexes" })
    await hasSaid("begun")
    const [job] = await it_.run(it_.maintenance.jobs(1))
    expect(await it_.run(it_.maintenance.cancel(job?.id ?? ""))).toBe(true)
    await ended
    await other.query("rollback")
    expect(said.at(-1)).toMatchObject({ word: "Failure", cause: expect.stringContaining("Cancelled") })
    expect(await it_.invalid()).toEqual([])
    expect(await it_.run(it_.maintenance.jobs(1))).toMatchObject([{ status: "cancelled" }])
  })
})
