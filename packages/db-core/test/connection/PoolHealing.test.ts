/** What the pool does about connections that are dead, leaked, of a server that was replaced, or in the way of the end. */
import { createTestDatabase, startWireProxy, type TestDatabase, type WireProxy } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import type { Input } from "../../src/config/DbConfig.ts"
import { Database } from "../../src/connection/Database.ts"
import { Pool } from "../../src/connection/Pool.ts"
import * as DbCore from "../../src/DbCore.ts"

describe("a pool", () => {
  let database: TestDatabase
  let proxy: WireProxy
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    proxy = await startWireProxy({ postgresUrl: database.url })
  })
  afterEach(async () => {
    await proxy.heal()
    proxy.cutAll("reset")
  })
  afterAll(async () => {
    await proxy.close()
    await database.close()
  })

  const open = (settings: Omit<Input, "url">) =>
    ManagedRuntime.make(DbCore.layerOf({}, { url: proxy.url, applicationName: "healing", ...settings }))
  const using = async <A>(
    settings: Omit<Input, "url">,
    body: (runtime: ReturnType<typeof open>) => Promise<A>
  ): Promise<A> => {
    const runtime = open(settings)
    try {
      return await body(runtime)
    } finally {
      await runtime.dispose()
    }
  }
  const snapshot = Pool.use((pool) => pool.snapshot)
  const write = Database.use((db) => db.write((d) => d.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)))
    .pipe(Effect.map(({ rows }) => rows[0]!.pid))
  const read = Database.use((db) => db.query((d) => d.execute(sql`select 1`)))
  const sleep = (seconds: number) => Database.use((db) => db.write((d) => d.execute(sql`select pg_sleep(${seconds})`)))
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

  it.each([["a write", Effect.asVoid(write)], ["a read", Effect.asVoid(read)]] as const)(
    "does not give %s a connection that died without a word while it was idle",
    (_, call) =>
      using({ queryTimeout: 10_000 }, async (runtime) => {
        await runtime.runPromise(write)
        await wait(1050)
        // Sockets stay open; nothing goes through those that are there.
        proxy.plan.mute = "both"
        const started = performance.now()
        const pending = runtime.runPromise(call)
        await wait(300)
        proxy.plan.mute = "none"
        await pending
        assert.isBelow(performance.now() - started, 4000)
        assert.strictEqual((await runtime.runPromise(snapshot)).closed.dead, 1)
      })
  )

  it("asks nothing of a connection that was used within the last second", () =>
    using({}, async (runtime) => {
      await runtime.runPromise(write)
      await runtime.runPromise(write)
      assert.strictEqual((await runtime.runPromise(snapshot)).created, 1)
    }))

  it("opens the circuit when the server cannot be reached, tells callers why, and heals by itself", () =>
    using({}, async (runtime) => {
      proxy.plan.connect = "reset"
      for (let call = 0; call < 3; call++) assert.isTrue(Exit.isFailure(await runtime.runPromiseExit(write)))
      const known = await runtime.runPromise(snapshot)
      assert.strictEqual(known.circuit, "open")
      const before = known.connectFailures
      const refused = await runtime.runPromise(Effect.all(
        Array.from({ length: 50 }, () => Effect.flip(Database.use((db) => db.write((d) => d.execute(sql`select 1`))))),
        { concurrency: "unbounded" }
      ))
      assert.isTrue(refused.every(({ fate }) => fate === "NotSent"))
      assert.include(refused[0]!.message, "in a row")
      // 50 callers with five tries each, and yet:
      assert.isBelow((await runtime.runPromise(snapshot)).connectFailures - before, 10)
      await proxy.heal()
      const healed = performance.now()
      while (Exit.isFailure(await runtime.runPromiseExit(write))) assert.isBelow(performance.now() - healed, 5000)
      assert.strictEqual((await runtime.runPromise(snapshot)).circuit, "closed")
    }))

  it("gives every connection up on evict: idle ones at once, those in use when they come back", () =>
    using({ poolMax: 3 }, async (runtime) => {
      const [first] = await runtime.runPromise(Effect.all([write, write], { concurrency: "unbounded" }))
      const busy = runtime.runPromise(sleep(0.2))
      await wait(50)
      await runtime.runPromise(Pool.use((pool) => pool.evict))
      await busy
      assert.notStrictEqual(await runtime.runPromise(write), first)
      assert.strictEqual((await runtime.runPromise(snapshot)).closed.failover, 2)
    }))

  it("reports a connection that is held for too long once, and names its holder", async () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => void lines.push(message))
    const runtime = ManagedRuntime.make(
      Layer.provideMerge(DbCore.layerOf({}, { url: proxy.url, poolLeakAfter: 100 }), Logger.layer([logger]))
    )
    const holding = Effect.fn("Payments.settle")(function*() {
      return yield* sleep(0.4)
    })
    const pending = runtime.runPromise(Effect.withSpan(holding(), "POST /payments"))
    await wait(250)
    const known = await runtime.runPromise(snapshot)
    await pending
    assert.strictEqual(known.leaks, 1)
    assert.isAbove(known.longestHeldMs, 100)
    assert.match(known.longestHolder ?? "", /Payments\.settle/)
    assert.strictEqual(lines.filter((line) => String(line).includes("Payments.settle")).length, 1)
    assert.strictEqual((await runtime.runPromise(snapshot)).longestHolder, undefined)
    await runtime.dispose()
  })

  it("counts how long callers waited", () =>
    using({ poolMax: 1 }, async (runtime) => {
      await runtime.runPromise(Effect.all([sleep(0.06), sleep(0)], { concurrency: "unbounded" }))
      const { acquireCount, emptyAcquireCount, waits } = await runtime.runPromise(snapshot)
      assert.strictEqual(waits.counts.reduce((sum, n) => sum + n, 0), acquireCount)
      assert.strictEqual(emptyAcquireCount, 2)
      // Behind 60 ms of sleep: above 50, or above 100 on a busy machine.
      assert.isAtLeast(waits.counts.slice(waits.bounds.indexOf(100)).reduce((sum, n) => sum + n, 0), 1)
      assert.isAtLeast(waits.sumMs, 50)
    }))

  it("lets work in flight finish when it closes, and refuses what comes then", async () => {
    const runtime = open({})
    const pool = await runtime.runPromise(Pool)
    const database = await runtime.runPromise(Database)
    const slow = Effect.runPromise(database.write((d) => d.execute(sql`select pg_sleep(0.3)`)))
    await wait(100)
    const closing = runtime.dispose()
    await wait(50)
    const late = await Effect.runPromise(Effect.flip(database.write((d) => d.execute(sql`select 1`))))
    assert.strictEqual(late.reason._tag, "PoolClosed")
    assert.strictEqual(late.fate, "NotSent")
    await slow
    await closing
    assert.strictEqual((await Effect.runPromise(pool.snapshot)).total, 0)
  })

  it("cancels at the server what has not finished in time when it closes", async () => {
    const runtime = open({ drainTimeout: 200 })
    const database = await runtime.runPromise(Database)
    const slow = Effect.runFork(database.write((d) => d.execute(sql`select pg_sleep(30)`)))
    await wait(200)
    const started = performance.now()
    await runtime.dispose()
    assert.isBelow(performance.now() - started, 3000)
    assert.isTrue(Exit.isFailure(await Effect.runPromise(Fiber.await(slow))))
    assert.strictEqual((await working()).length, 0)
  })
  const working = () =>
    database.admin(
      "select pid from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()"
    )
})
