import { Database } from "@ems/db-core/connection/Database"
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { Pool } from "@ems/db-core/connection/Pool"
import * as DbCore from "@ems/db-core/DbCore"
import { QueryStatistics } from "@ems/db-core/optimizer/statistics/QueryStatistics"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import type { Notification } from "@ems/schema/contract/Notification"
import { sql } from "drizzle-orm"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as HealthWatch from "../../src/webhook/HealthWatch.ts"
import * as Webhook from "../../src/webhook/Webhook.ts"
import { deadUrl, until } from "../support.ts"
import { accept, receive } from "./Receiver.ts"

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe("findings", () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    await database.admin("create table counted (id serial primary key)")
    await database.admin("create table refused (id int, n int)")
  })
  afterAll(() => database.close())

  const start = async (url: string, user = database.url) => {
    const managed = ManagedRuntime.make(
      Webhook.layer({
        url: Redacted.make(url),
        events: new Set(["error"]),
        key: undefined,
        checkInterval: 150,
        firstDelay: 1
      }).pipe(Layer.provideMerge(DbCore.layerOf({}, { url: user })))
    )
    const context = await managed.context()
    // Checks run while the process is ready: somebody used the database.
    await Effect.runPromiseWith(context)(Database.use((db) => db.query((d) => d.execute(sql`select 1`))))
    return { context, dispose: () => managed.dispose() }
  }

  const about = (told: ReadonlyArray<{ readonly notification: Notification }>, event: Notification["event"]) =>
    told.map(({ notification }) => notification).filter((one) =>
      one.event === event && one.event !== "health" && one.finding.cacheKey.includes("counted_id_seq")
    )

  const runOut = () => database.admin("select setval('counted_id_seq', 2147483000)")
  const mend = () => database.admin("select setval('counted_id_seq', 1)")

  it("are told once by several processes, with what mends them, and once when they are gone", async () => {
    const receiver = await receive(accept)
    const processes = await Promise.all([start(receiver.url), start(receiver.url)])
    await sleep(400)
    expect(about(receiver.told, "error")).toEqual([])
    await runOut()
    await until(() => about(receiver.told, "error").length > 0)
    await sleep(600)
    const [told, ...more] = about(receiver.told, "error")
    expect(more).toEqual([])
    expect(told?.event === "error" && told.finding).toMatchObject({ severity: "error", name: "sequence-exhaustion" })
    expect(told?.event === "error" && told.finding.remediation).toContain("alter")
    // While it lasts nothing is asked of the table, so that a compute may sleep.
    const statements = () =>
      Promise.all(processes.map(({ context }) =>
        Effect.runPromiseWith(context)(
          Effect.flatMap(QueryStatistics, ({ totals }) => Effect.map(totals(), ({ calls }) => calls))
        )
      ))
    const before = await statements()
    await sleep(500)
    expect(await statements()).toEqual(before)
    await mend()
    await until(() => about(receiver.told, "resolved").length > 0)
    await sleep(400)
    expect(about(receiver.told, "resolved")).toHaveLength(1)
    expect(about(receiver.told, "error")).toHaveLength(1)
    await runOut()
    await until(() => about(receiver.told, "error").length === 2)
    // Another process, later: it was told already, and it sees it go.
    for (const { dispose } of processes) await dispose()
    const later = await start(receiver.url)
    await sleep(500)
    expect(about(receiver.told, "error")).toHaveLength(2)
    await mend()
    await until(() => about(receiver.told, "resolved").length === 2)
    await later.dispose()
    await receiver.close()
  })

  it("are told again when the receiver did not take them", async () => {
    const refuses = await receive((_, response) => {
      response.writeHead(400).end()
    })
    await runOut()
    const one = await start(refuses.url)
    await until(() => about(refuses.told, "error").length >= 2)
    await one.dispose()
    await refuses.close()
    const receiver = await receive(accept)
    await database.admin("update ems_internal.told_finding set claimed_at = claimed_at - interval '1 hour'")
    const other = await start(receiver.url)
    await until(() => about(receiver.told, "error").length > 0)
    await sleep(400)
    expect(about(receiver.told, "error")).toHaveLength(1)
    await other.dispose()
    await receiver.close()
    await mend()
  })
})

describe("health", () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
  })
  afterAll(() => database.close())

  /** The data layer on the real clock, the watch on one that the test moves. */
  const watching = <A>(
    url: string,
    use: (seen: ReadonlyArray<string>) => Effect.Effect<A, unknown, DbCore.DbCore>
  ) =>
    Effect.runPromise(
      Effect.gen(function*() {
        const context = yield* Effect.context<DbCore.DbCore>()
        const seen: Array<string> = []
        const send = ({ notification }: { readonly notification: Notification }) =>
          Effect.sync(() => {
            if (notification.event === "health") seen.push(`${notification.health.from} ${notification.health.to}`)
          })
        const move = Effect.gen(function*() {
          yield* HealthWatch.watch({ send }, "test")
          return yield* use(seen)
        })
        return yield* move.pipe(Effect.provide(TestClock.layer()), Effect.provideContext(context), Effect.scoped)
      }).pipe(Effect.provide(DbCore.layerOf({}, { url, poolMax: 2 })))
    )

  const real = <A, E, R>(effect: Effect.Effect<A, E, R>) => TestClock.withLive(effect)

  it("is told at once when the database is down, and when it is back after it lasted", () =>
    watching(deadUrl, (seen) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("60 seconds")
        expect(seen).toEqual([])
        yield* real(HealthCheck.use((health) => health.check))
        yield* TestClock.adjust("1 second")
        expect(seen).toEqual(["null unhealthy"])
        yield* TestClock.adjust("60 seconds")
        expect(seen).toEqual(["null unhealthy"])
      })))

  it("is told when callers waited for ten seconds on end, and not of a hiccup or of the end", () =>
    watching(database.url, (seen) =>
      Effect.gen(function*() {
        yield* real(HealthCheck.use((health) => health.check))
        yield* TestClock.adjust("60 seconds")
        expect(seen).toEqual([])
        const gate = yield* Deferred.make<void>()
        const holding = Database.use((db) => db.transaction(() => Deferred.await(gate)))
        const waiting = Database.use((db) => db.transaction((tx) => tx.execute(sql`select 1`)))
        yield* Effect.forEach([holding, holding, waiting], (one) => Effect.forkScoped(real(one)))
        yield* real(Effect.sleep(200))
        const { waiting: callers } = yield* Pool.use((pool) => pool.snapshot)
        expect(callers).toBe(1)
        yield* TestClock.adjust("9 seconds")
        expect(seen).toEqual([])
        yield* TestClock.adjust("3 seconds")
        expect(seen).toEqual(["healthy degraded"])
        yield* Deferred.succeed(gate, undefined)
        yield* real(Effect.sleep(200))
        yield* TestClock.adjust("9 seconds")
        expect(seen).toHaveLength(1)
        yield* TestClock.adjust("3 seconds")
        expect(seen).toEqual(["healthy degraded", "degraded healthy"])
        yield* HealthCheck.use((health) => health.drain)
        yield* TestClock.adjust("60 seconds")
        expect(seen).toHaveLength(2)
      }).pipe(Effect.scoped)))
})
