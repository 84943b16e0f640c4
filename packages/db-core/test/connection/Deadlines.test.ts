/** A caller is back in time whatever the server or the network does, and the server stops working for it. */
import {
  createTestDatabase,
  startNeonStandIn,
  startWireProxy,
  type TestDatabase,
  type WireProxy
} from "@ems/db-testing"
import { on } from "@ems/db-testing/WireProxy"
import { sql } from "drizzle-orm"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import { Database, type DatabaseShape } from "../../src/connection/Database.ts"
import { Pool } from "../../src/connection/Pool.ts"
import * as DbCore from "../../src/DbCore.ts"
import type { DbError } from "../../src/errors/DbError.ts"

/** Promised: back within 50 ms of the deadline. */
const overrun = 50
const timeout = 300

describe("Deadlines", () => {
  let database: TestDatabase
  let proxy: WireProxy
  let runtime: ManagedRuntime.ManagedRuntime<DbCore.DbCore, unknown>
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    await database.admin("create table h (id text not null)")
    proxy = await startWireProxy({ postgresUrl: database.url })
    runtime = ManagedRuntime.make(DbCore.layerOf({}, { url: proxy.url, poolMax: 2, queryTimeout: 2000 }))
  })
  afterEach(async () => {
    await proxy.heal()
    proxy.cutAll("reset")
  })
  afterAll(async () => {
    await runtime.dispose()
    await proxy.close()
    await database.close()
  })

  const run = <A, E>(use: (db: DatabaseShape<{}>) => Effect.Effect<A, E, DbCore.DbCore>) =>
    runtime.runPromise(Database.use((db) => use(db as unknown as DatabaseShape<{}>)))
  const insert = (id: string) => sql`insert into h values (${id})`
  const rows = async (id: string) =>
    Number((await database.admin("select count(*) as n from h where id = $1", [id]))[0]?.["n"])
  const working = async () =>
    (await database.admin(
      "select pid from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()"
    )).length

  /** Until nothing works at the server, or a second: a busy machine takes longer than the 100 ms that it should. */
  const gone = async () => {
    for (let waited = 0; waited < 1000 && await working() > 0; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Fails with its error and how long it took; the time is compared beside the longest stall of the event loop. */
  const timed = async <A>(use: (db: DatabaseShape<{}>) => Effect.Effect<A, DbError, DbCore.DbCore>) => {
    let stall = 0
    let last = performance.now()
    const ticker = setInterval(() => {
      stall = Math.max(stall, performance.now() - last - 5)
      last = performance.now()
    }, 5)
    const started = performance.now()
    const error = await run((db) => Effect.flip(use(db)))
    const took = performance.now() - started
    clearInterval(ticker)
    return { error, late: took - timeout - stall }
  }
  const warm = () =>
    run((db) => Effect.andThen(db.query((d) => d.execute(sql`select 1`)), db.query((d) => d.execute(insert("warm")))))

  it.each(
    [
      ["a read", (db: DatabaseShape<{}>) => db.query((d) => d.execute(sql`select 1`), { timeout }), "Unknown"],
      ["a lone write", (db: DatabaseShape<{}>) => db.query((d) => d.execute(insert("lone")), { timeout }), "Unknown"],
      ["a write", (db: DatabaseShape<{}>) => db.write((d) => d.execute(insert("write")), { timeout }), "NotSent"],
      [
        "a transaction",
        (db: DatabaseShape<{}>) => db.transaction((tx) => tx.execute(insert("tx")), { timeout }),
        "NotSent"
      ]
    ] as const
  )("brings %s back from a peer that went silent", async (_, use, fate) => {
    await warm()
    proxy.plan.hold = true
    const { error, late } = await timed(
      use as (db: DatabaseShape<{}>) => Effect.Effect<unknown, DbError, DbCore.DbCore>
    )
    assert.deepStrictEqual([error.reason._tag, error.fate], ["DeadlineExceeded", fate])
    assert.isBelow(late, overrun)
  })

  it("brings a transaction back whose COMMIT nobody answers, with its fate unknown", async () => {
    await warm()
    proxy.add({ match: on.complete(/^COMMIT$/), action: { do: "hold" } })
    const { error, late } = await timed((db) => db.transaction((tx) => tx.execute(insert("commit")), { timeout }))
    assert.deepStrictEqual([error.reason._tag, error.fate], ["DeadlineExceeded", "Unknown"])
    assert.isBelow(late, overrun)
  })

  it("brings a transaction back that stalls before COMMIT, rolled back", async () => {
    const { error, late } = await timed((db) =>
      db.transaction((tx) => Effect.andThen(tx.execute(insert("stalled")), tx.execute(sql`select pg_sleep(20)`)), {
        timeout
      })
    )
    assert.deepStrictEqual([error.reason._tag, error.fate], ["DeadlineExceeded", "RolledBack"])
    assert.isBelow(late, overrun)
    await gone()
    assert.deepStrictEqual([await rows("stalled"), await working()], [0, 0])
  })

  it("does not commit a transaction whose caller was told that it is rolled back", async () => {
    await warm()
    // The last question before COMMIT is answered when the caller is gone.
    const rule = proxy.add({
      match: on.ready(/pg_current_xact_id_if_assigned/),
      action: { do: "delay", ms: 500 },
      times: 1
    })
    const { error } = await timed((db) => db.transaction((tx) => tx.execute(insert("late")), { timeout }))
    assert.strictEqual(rule.fired, 1)
    assert.deepStrictEqual([error.reason._tag, error.fate], ["DeadlineExceeded", "RolledBack"])
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.strictEqual(await rows("late"), 0)
  })

  it.each(["silent", "refuse"] as const)(
    "brings a caller back from a server that cannot be reached (%s)",
    async (how) => {
      await proxy.setConnect(how)
      proxy.cutAll("reset")
      await new Promise((resolve) => setTimeout(resolve, 20))
      const { error, late } = await timed((db) => db.query((d) => d.execute(insert("unreachable")), { timeout }))
      assert.include(["DeadlineExceeded", "ConnectFailed"], error.reason._tag)
      assert.strictEqual(error.fate, "NotSent")
      assert.isBelow(late, overrun)
    }
  )

  it("brings a caller back from the queue", async () => {
    const { late, error } = await run((db) =>
      Effect.gen(function*() {
        const held = yield* Effect.forEach([1, 2], () => Deferred.make<void>())
        const holders = yield* Effect.forEach(held, (one) =>
          Effect.forkChild(db.transaction(() =>
            Effect.andThen(Deferred.succeed(one, undefined), Effect.sleep(800))
          )))
        // On a busy machine it takes a while to open them.
        for (const one of held) yield* Deferred.await(one)
        const result = yield* Effect.promise(() =>
          timed((d) => d.query((h) => h.execute(insert("queued")), { timeout }))
        )
        for (const holder of holders) yield* Fiber.join(holder)
        return result
      })
    )
    assert.deepStrictEqual([error.reason._tag, error.fate], ["DeadlineExceeded", "NotSent"])
    assert.isBelow(late, overrun)
  })

  it("stops the statement at the server, and gives the place in the pool back", async () => {
    await warm()
    const { late } = await timed((db) => db.query((d) => d.execute(sql`select pg_sleep(20)`), { timeout }))
    assert.isBelow(late, overrun)
    await gone()
    assert.strictEqual(await working(), 0)
    await warm()
    const { acquired, waiting } = await runtime.runPromise(Effect.flatMap(Pool, (pool) => pool.snapshot))
    assert.deepStrictEqual([acquired, waiting], [0, 0])
  })

  it("gives the place back although the peer never answers the cancellation", async () => {
    await warm()
    proxy.plan.hold = true
    await Promise.all([1, 2].map(() => timed((db) => db.query((d) => d.execute(insert("held")), { timeout }))))
    await proxy.heal()
    await new Promise((resolve) => setTimeout(resolve, 400))
    const started = performance.now()
    await warm()
    assert.isBelow(performance.now() - started, 500)
  })

  it("does not cut the neighbours of a slow read on a shared connection", async () => {
    const slow = "select count(*)::int as n from generate_series(1, 3000000)"
    const results = await run((db) =>
      Effect.all([
        Effect.exit(db.query((d) => d.execute(sql.raw(`${slow} -- short`)), { timeout: 50 })),
        ...Array.from({ length: 6 }, () => Effect.exit(db.query((d) => d.execute(sql.raw(slow)), { timeout: 10_000 })))
      ], { concurrency: "unbounded" })
    )
    assert.strictEqual(results[0]?._tag, "Failure")
    for (const result of results.slice(1)) assert.strictEqual(result._tag, "Success")
  })

  it("gives up a shared connection that stays silent beyond the server's own limit", async () => {
    await warm()
    proxy.plan.hold = true
    await run((db) => Effect.exit(db.query((d) => d.execute(sql`select 1`), { timeout: 100 })))
    await new Promise((resolve) => setTimeout(resolve, 2700))
    await proxy.heal()
    const { closed } = await runtime.runPromise(Effect.flatMap(Pool, (pool) => pool.snapshot))
    assert.isAtLeast(closed.lost, 1)
  }, 10_000)

  it("tells the server the usual limit when it connects, and another one for a call that differs", async () => {
    const limit = sql<{ statement_timeout: string }>`show statement_timeout`
    const shown = (use: Effect.Effect<{ readonly rows: ReadonlyArray<Record<string, unknown>> }, DbError>) =>
      Effect.map(use, (result) => result.rows[0]?.["statement_timeout"])
    const found = await run((db) =>
      Effect.all([
        shown(db.query((d) => d.execute(limit))),
        shown(db.query((d) => d.execute(limit), { timeout: 60_000 })),
        shown(db.query((d) => d.execute(limit), { timeout: Number.POSITIVE_INFINITY })),
        shown(db.query((d) => d.execute(limit))),
        shown(db.transaction((tx) => tx.execute(limit))),
        shown(db.transaction((tx) => tx.execute(limit), { timeout: 500 })),
        shown(db.transaction((tx) => tx.execute(limit), { timeout: Number.POSITIVE_INFINITY }))
      ])
    )
    assert.deepStrictEqual(found, ["2s", "1min", "0", "2s", "2s", "500ms", "0"])
  })

  it("has its limit in force through a proxy that drops startup parameters", async () => {
    const neon = await startNeonStandIn({ postgresUrl: database.url })
    const found = await Effect.runPromise(
      Database.use((db) => db.query((d) => d.execute<Record<string, unknown>>(sql`show statement_timeout`))).pipe(
        Effect.provide(DbCore.layerOf({}, {
          url: database.url,
          transport: "neon",
          neonProxy: `${neon.host}:${neon.port}/v2`,
          queryTimeout: 7000
        }))
      )
    )
    await neon.close()
    assert.deepStrictEqual(found.rows, [{ statement_timeout: "7s" }])
  })

  it.each(
    [
      ["a read", (db: DatabaseShape<{}>) => db.query((d) => d.execute(sql`select 1`))],
      ["a lone write", (db: DatabaseShape<{}>) => db.query((d) => d.execute(insert("default")))],
      ["a transaction", (db: DatabaseShape<{}>) => db.transaction((tx) => tx.execute(insert("default")))]
    ] as const
  )("has a deadline where none was given: %s", async (_, use) => {
    await warm()
    proxy.plan.hold = true
    const started = performance.now()
    const error = await run((db) =>
      Effect.flip((use as (db: DatabaseShape<{}>) => Effect.Effect<unknown, DbError>)(db))
    )
    const took = performance.now() - started
    assert.strictEqual(error.reason._tag, "DeadlineExceeded")
    assert.isAbove(took, 1900)
    // Loosely: how late a caller may be is measured above, beside the stalls of the event loop.
    assert.isBelow(took, 3000)
  })

  it("has a deadline for each batch of a stream, and gives its connection up", async () => {
    await warm()
    const series = sql`generate_series(1, 10000) as numbers(n)`
    let seen = 0
    const started = performance.now()
    const error = await run((db) =>
      Effect.flip(Stream.runForEach(
        db.stream((d) => d.select({ n: sql<number>`n` }).from(series)),
        () =>
          Effect.sync(() => {
            if (++seen === 300) proxy.plan.hold = true
          })
      ))
    )
    assert.strictEqual(error.reason._tag, "DeadlineExceeded")
    assert.isAtLeast(seen, 300)
    assert.isBelow(performance.now() - started, 3500)
    const { acquired, total } = await run(() => Pool.use((pool) => pool.snapshot))
    assert.deepStrictEqual([acquired, total], [0, 1])
  })

  it("loses no connection to reads that nobody waits for any more", async () => {
    await warm()
    const slow = sql`select count(*) from generate_series(1, 1000000)`
    for (let round = 0; round < 2; round++) {
      await run((db) =>
        Effect.all(
          Array.from({ length: 3 }, () => Effect.exit(db.query((d) => d.execute(slow), { timeout: 5 + round }))),
          { concurrency: "unbounded" }
        )
      )
    }
    const rows = await run((db) => db.query((d) => d.execute(sql`select 5 as n`)))
    assert.deepStrictEqual(rows.rows, [{ n: 5 }])
    const { acquired, sharedStatements, waiting } = await runtime.runPromise(
      Effect.flatMap(Pool, (pool) => pool.snapshot)
    )
    assert.deepStrictEqual([acquired, sharedStatements, waiting], [0, 0, 0])
  })

  it("keeps to the outer deadline inside a call", async () => {
    const { error, late } = await timed((db) =>
      db.transaction(() => db.query((d) => d.execute(sql`select pg_sleep(20)`), { timeout: 60_000 }), { timeout })
    )
    assert.strictEqual(error.reason._tag, "DeadlineExceeded")
    assert.isBelow(late, overrun)
  })
})
