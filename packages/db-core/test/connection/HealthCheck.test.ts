/** What is said of the database, against a real one that is taken away and given back. */
import { createTestDatabase, startWireProxy, type TestDatabase, type WireProxy } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import type { Input } from "../../src/config/DbConfig.ts"
import { Database } from "../../src/connection/Database.ts"
import { HealthCheck } from "../../src/connection/HealthCheck.ts"
import * as DbCore from "../../src/DbCore.ts"

describe("HealthCheck", () => {
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

  const using = async <A>(
    settings: Omit<Input, "url">,
    body: (run: <B, E>(effect: Effect.Effect<B, E, DbCore.DbCore>) => Promise<B>) => Promise<A>
  ): Promise<A> => {
    const runtime = ManagedRuntime.make(
      DbCore.layerOf({}, { url: proxy.url, applicationName: "health", drainTimeout: 0, ...settings })
    )
    try {
      return await body((effect) => runtime.runPromise(effect))
    } finally {
      await runtime.dispose()
    }
  }
  const current = HealthCheck.use((health) => health.current)
  const check = HealthCheck.use((health) => health.check)
  const read = Database.use((db) => db.query((d) => d.execute(sql`select 1`)))
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const statements = async () =>
    Number(
      (await database.admin("select count(*) as n from pg_stat_activity where application_name = 'health'"))[0]?.["n"]
    )

  it("starts, is healthy after the first answer, and idle when nobody asks; idle opens nothing", () =>
    using({ healthInterval: 200, poolIdleTimeout: 100 }, async (run) => {
      assert.deepInclude(await run(current), { state: "starting", isReady: false, status: "unhealthy" })
      await run(read)
      assert.deepInclude(await run(current), { state: "healthy", isReady: true, isConnected: true })
      await wait(700)
      assert.deepInclude(await run(current), { state: "idle", isReady: true, status: "healthy" })
      // The connection was closed as unused, and no probe opened another.
      assert.strictEqual(await statements(), 0)
      await run(read)
      const { history } = await run(current)
      assert.deepStrictEqual(history.map(({ to }) => to), ["healthy", "idle", "healthy"])
      assert.isTrue(history.every(({ reason }) => reason !== ""))
    }))

  it("is degraded after one lost connection, healthy after the next answer", () =>
    using({}, async (run) => {
      await run(read)
      proxy.cutAll("reset")
      proxy.plan.connect = "reset"
      await run(Effect.flip(Database.use((db) => db.query((d) => d.execute(sql`select 1`), { timeout: 20 }))))
      await wait(50)
      await proxy.heal()
      const { history } = await run(Effect.andThen(Effect.ignore(read), Effect.andThen(read, current)))
      assert.strictEqual(history.at(-1)?.to, "healthy")
    }))

  it("is down when nothing can be reached, says why without the address, and heals", () =>
    using({}, async (run) => {
      proxy.plan.connect = "reset"
      const down = await run(check)
      assert.deepInclude(down, { state: "down", isReady: false, status: "unhealthy", isConnected: false })
      assert.match(down.history.at(-1)?.reason ?? "", /^ConnectFailed: /)
      assert.notInclude(JSON.stringify(down), new URL(proxy.url).port)
      await proxy.heal()
      const by = performance.now() + 5000
      while ((await run(check)).state !== "healthy") assert.isBelow(performance.now(), by)
    }))

  it("is down when the server is silent on open connections, although deadlines alone prove nothing", () =>
    using({ healthInterval: 300, queryTimeout: 1000 }, async (run) => {
      await run(read)
      proxy.plan.hold = true
      await run(Effect.flip(Database.use((db) => db.query((d) => d.execute(sql`select 1`), { timeout: 100 }))))
      assert.strictEqual((await run(current)).state, "healthy")
      await wait(350)
      assert.strictEqual((await run(check)).state, "down")
    }))

  it("finds out by itself while callers come and are not answered", () =>
    using({ healthInterval: 200, queryTimeout: 1000 }, async (run) => {
      await run(read)
      proxy.plan.hold = true
      const call = Effect.ignore(Database.use((db) => db.query((d) => d.execute(sql`select 1`), { timeout: 300 })))
      // A probe takes 2 s to say that there is no answer, on a busy machine longer.
      for (let left = 40; left > 0 && (await run(current)).state !== "down"; left--) await run(call)
      assert.strictEqual((await run(current)).state, "down")
    }))

  it("says that callers have every connection, not that the database is down", () =>
    using({ poolMax: 1 }, async (run) => {
      await run(read)
      const busy = run(Database.use((db) => db.write((d) => d.execute(sql`select pg_sleep(2.6)`))))
      await wait(100)
      // Healthy and fresh: nothing is asked. Somebody waits: congested.
      const waiting = run(Database.use((db) => db.write((d) => d.execute(sql`select 1`))))
      await wait(100)
      const health = await run(check)
      assert.deepInclude(health, { state: "degraded", isReady: true })
      await Promise.all([busy, waiting])
      assert.strictEqual((await run(check)).state, "healthy")
    }))

  it("is draining for good once told so", () =>
    using({}, async (run) => {
      await run(read)
      await run(HealthCheck.use((health) => health.drain))
      await run(read)
      assert.deepInclude(await run(check), { state: "draining", isReady: false })
    }))
})
