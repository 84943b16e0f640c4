import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Input } from "../../src/config/DbConfig.ts"
import { Database } from "../../src/connection/Database.ts"
import { Pool } from "../../src/connection/Pool.ts"
import * as DbCore from "../../src/DbCore.ts"
import type { DbError } from "../../src/errors/DbError.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
})
afterAll(() => database.close())

let names = 0

/** Runs `program` on a pool of its own; `backends` counts its connections at the server. */
const withPool = <A, E>(
  settings: Omit<Input, "url">,
  program: (tools: {
    readonly backends: Effect.Effect<number>
    readonly pid: Effect.Effect<number, DbError, Database>
    readonly sleep: (seconds: number) => Effect.Effect<unknown, DbError, Database>
  }) => Effect.Effect<A, E, DbCore.DbCore>
): Promise<A> => {
  const applicationName = `pool-${names++}`
  const count = "select count(*)::int as n from pg_stat_activity where application_name = $1"
  const backends = Effect.promise(async () => Number((await database.admin(count, [applicationName]))[0]?.["n"]))
  const pid = Database.use((db) =>
    Effect.map(
      db.write((d) => d.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)),
      ({ rows }) => rows[0]!.pid
    )
  )
  const sleep = (seconds: number) => Database.use((db) => db.write((d) => d.execute(sql`select pg_sleep(${seconds})`)))
  return Effect.runPromise(Effect.provide(
    program({ backends, pid, sleep }),
    DbCore.layerOf({}, { url: database.url, applicationName, ...settings })
  ))
}

const eventually = (check: Effect.Effect<boolean>, ms = 2000) =>
  Effect.gen(function*() {
    const by = performance.now() + ms
    while (performance.now() < by) {
      if (yield* check) return true
      yield* Effect.sleep(20)
    }
    return false
  })

describe("Pool", () => {
  it("never has more than max connections at the server, whatever is asked of it", () =>
    withPool({ poolMax: 4, poolMaxUses: 3 }, ({ backends, sleep }) =>
      Effect.gen(function*() {
        let most = 0
        const watcher = yield* Effect.forkChild(Effect.forever(Effect.andThen(
          Effect.map(backends, (n) => {
            most = Math.max(most, n)
          }),
          Effect.sleep(2)
        )))
        const db = yield* Database
        const read = db.query((d) => d.execute(sql`select 1`))
        yield* Effect.forEach(
          Array.from({ length: 200 }, (_, at) => at),
          (at) => at % 3 === 0 ? sleep(0.005) : at % 3 === 1 ? read : db.transaction((tx) => tx.execute(sql`select 2`)),
          { concurrency: 50 }
        )
        yield* Fiber.interrupt(watcher)
        assert.isAtMost(most, 4)
        assert.isAtLeast(most, 2)
      })))

  it("serves exclusive callers first come, first served", () =>
    withPool({ poolMax: 1 }, ({ sleep }) =>
      Effect.gen(function*() {
        const order: Array<number> = []
        const fibers = []
        for (const at of [0, 1, 2, 3, 4]) {
          fibers.push(
            yield* Effect.forkChild(Effect.tap(sleep(0.01), () => Effect.sync(() => order.push(at))), {
              startImmediately: true
            })
          )
        }
        for (const fiber of fibers) yield* Fiber.join(fiber)
        assert.deepStrictEqual(order, [0, 1, 2, 3, 4])
      })))

  it("replaces a connection after maxUses", () =>
    withPool({ poolMax: 1, poolMaxUses: 2 }, ({ pid }) =>
      Effect.gen(function*() {
        const pids = yield* Effect.forEach([1, 2, 3, 4, 5], () => pid)
        assert.strictEqual(pids[0], pids[1])
        assert.notStrictEqual(pids[1], pids[2])
        assert.strictEqual(new Set(pids).size, 3)
        assert.strictEqual((yield* (yield* Pool).snapshot).closed.uses, 2)
      })))

  it("replaces a connection at the end of its life", () =>
    withPool({ poolMax: 1, poolMaxLifetime: 1000 }, ({ pid }) =>
      Effect.gen(function*() {
        const first = yield* pid
        yield* Effect.sleep(1050)
        assert.notStrictEqual(yield* pid, first)
        assert.strictEqual((yield* (yield* Pool).snapshot).closed.lifetime, 1)
      })))

  it("closes what nobody used for a while", () =>
    withPool({ poolIdleTimeout: 100 }, ({ backends, sleep }) =>
      Effect.gen(function*() {
        yield* Effect.forEach([1, 2, 3], () => sleep(0.02), { concurrency: "unbounded" })
        assert.strictEqual(yield* backends, 3)
        assert.isTrue(yield* eventually(Effect.map(backends, (n) => n === 0)))
        assert.strictEqual((yield* (yield* Pool).snapshot).closed.idle, 3)
      })))

  it("fails with PoolTimeout, saying who holds the connections, and serves the next caller", () =>
    withPool({ poolMax: 1, acquireTimeout: 100 }, ({ pid, sleep }) =>
      Effect.gen(function*() {
        const holder = yield* Effect.forkChild(sleep(0.4))
        yield* Effect.sleep(100)
        const started = performance.now()
        const error = yield* Effect.flip(pid)
        assert.strictEqual(error.reason._tag, "PoolTimeout")
        assert.strictEqual(error.fate, "NotSent")
        assert.include(error.message, "1 acquired")
        assert.isBelow(performance.now() - started, 300)
        yield* Fiber.join(holder)
        yield* pid
        assert.strictEqual((yield* (yield* Pool).snapshot).waiting, 0)
      })))

  it("fails with PoolQueueFull beyond the bound", () =>
    withPool({ poolMax: 1, poolMaxWaiting: 1 }, ({ pid, sleep }) =>
      Effect.gen(function*() {
        yield* pid
        const holder = yield* Effect.forkChild(sleep(0.2), { startImmediately: true })
        const waiter = yield* Effect.forkChild(pid, { startImmediately: true })
        const error = yield* Effect.flip(pid)
        assert.strictEqual(error.reason._tag, "PoolQueueFull")
        yield* Fiber.join(holder)
        yield* Fiber.join(waiter)
      })))

  it("loses no connection to callers that stop waiting", () =>
    withPool({ poolMax: 2 }, ({ pid, sleep }) =>
      Effect.gen(function*() {
        for (let round = 0; round < 10; round++) {
          const fibers = yield* Effect.forEach(
            Array.from({ length: 20 }),
            () => Effect.forkChild(sleep(0.002), { startImmediately: true })
          )
          yield* Effect.sleep(round)
          yield* Effect.forEach(fibers, (fiber) => Fiber.interrupt(fiber), { concurrency: "unbounded" })
        }
        yield* pid
        const { acquired, waiting } = yield* (yield* Pool).snapshot
        assert.deepStrictEqual([acquired, waiting], [0, 0])
      })))

  it("lets a write in while reads never pause", () =>
    withPool({ poolMax: 1 }, ({ pid }) =>
      Effect.gen(function*() {
        const db = yield* Database
        const readers = yield* Effect.forkChild(Effect.all(
          Array.from({ length: 8 }, () => Effect.forever(db.query((d) => d.execute(sql`select 1`)))),
          { concurrency: "unbounded" }
        ))
        yield* Effect.sleep(50)
        yield* Effect.timeout(pid, 1000)
        yield* Fiber.interrupt(readers)
      })))

  it("does not queue a fast read behind a slow one when another connection can take it", () =>
    withPool({ poolMax: 4 }, () =>
      Effect.gen(function*() {
        const db = yield* Database
        yield* db.query((d) => d.execute(sql`select 1`))
        const slow = yield* Effect.forkChild(
          db.query((d) => d.execute(sql`select count(*) from generate_series(1, 10000000)`)),
          { startImmediately: true }
        )
        yield* Effect.sleep(60)
        let isSlowDone = false
        yield* Effect.forkChild(Effect.tap(Fiber.await(slow), () => Effect.sync(() => isSlowDone = true)))
        yield* db.query((d) => d.execute(sql`select 2`))
        assert.isFalse(isSlowDone)
        yield* Fiber.join(slow)
      })))

  it("notices a killed idle connection before the next caller does", () =>
    withPool({}, ({ pid }) =>
      Effect.gen(function*() {
        const victim = yield* pid
        yield* Effect.promise(() => database.admin("select pg_terminate_backend($1)", [victim]))
        yield* Effect.sleep(50)
        assert.notStrictEqual(yield* pid, victim)
        assert.strictEqual((yield* (yield* Pool).snapshot).closed.lost, 1)
      })))

  it("tells every waiter when the server cannot be reached, long before their timeouts", () =>
    withPool({}, () =>
      Effect.gen(function*() {
        const nowhere = new URL(database.url)
        nowhere.port = "1"
        const started = performance.now()
        const errors = yield* Effect.provide(
          Database.use((db) =>
            Effect.all(Array.from({ length: 30 }, () => Effect.flip(db.write((d) => d.execute(sql`select 1`)))), {
              concurrency: "unbounded"
            })
          ),
          DbCore.layerOf({}, { url: nowhere.href })
        )
        assert.isTrue(errors.every((error) => error.reason._tag === "ConnectFailed" && error.fate === "NotSent"))
        assert.isBelow(performance.now() - started, 3000)
      })))
})
