/** The snippets that callers without Effect write, in the product's names. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { indexCatalog, relations, users } from "@ems/schema"
import { eq, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { inspect } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as DbCore from "../src/DbCore.ts"
import * as ChangeLog from "../src/migration/ChangeLog.ts"
import { DbError, MaintenanceError, type OpenDatabase, openDatabase } from "../src/promise.ts"

const rejection = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail("it did not reject")
}

describe("promise API", () => {
  let database: TestDatabase
  let open: OpenDatabase<typeof relations>
  beforeAll(async () => {
    database = await createTestDatabase()
    open = await openDatabase({ relations, url: database.url, indexes: indexCatalog })
  })
  afterAll(async () => {
    await open.close()
    await database.close()
  })

  it("is not connected before the first answer, and is after it", async () => {
    const { db, dbManager } = open
    assert.deepInclude(dbManager.getConnectionState(), { isConnected: false, errorCount: 0, lastHealthCheck: null })
    await db.execute(sql`select 1`)
    const state = dbManager.getConnectionState()
    assert.deepInclude(state, { isConnected: true, errorCount: 0, lastError: null })
    assert.instanceOf(state.lastHealthCheck, Date)
    assert.isAtLeast(state.connectionCount, 1)
  })

  it("awaits builders, relational queries, counts and raw SQL", async () => {
    const { db, dbManager } = open
    const [created] = await db.insert(users).values({ email: "p@x.io", name: "P" }).returning()
    const found = await dbManager.executeQuery(() => db.select().from(users).where(eq(users.email, "p@x.io")))
    assert.deepStrictEqual(found, [created!])
    assert.strictEqual((await db.query.users.findFirst({ with: { registrations: true } }))?.registrations.length, 0)
    assert.strictEqual(await db.$count(users), 1)
    const raw = await db.execute<{ n: number }>(sql`select ${7}::int as n`)
    assert.deepStrictEqual(raw.rows, [{ n: 7 }])
    const prepared = db.select().from(users).where(eq(users.email, sql.placeholder("email"))).prepare("by_email")
    assert.lengthOf(await prepared.execute({ email: "p@x.io" }), 1)
  })

  it("rejects with a DbError that tells no value", async () => {
    const error = await rejection(open.db.insert(users).values({ email: "P canary", name: "P" }))
    assert.instanceOf(error, DbError)
    assert.strictEqual(error.reason._tag, "CheckViolation")
    assert.notInclude(inspect(error, { depth: 20 }), "canary")
    assert.strictEqual(open.dbManager.getConnectionState().errorCount, 0)
  })

  it("commits, rolls back and nests transactions", async () => {
    const { db } = open
    const mine = new Error("mine")
    const caught = await rejection(db.transaction(async (tx) => {
      await tx.insert(users).values({ email: "rolled@x.io", name: "R" })
      throw mine
    }))
    assert.strictEqual(caught, mine)
    await db.transaction(async (tx) => {
      await tx.insert(users).values({ email: "outer@x.io", name: "O" })
      const inner = await rejection(tx.transaction(async (nested) => {
        await nested.insert(users).values({ email: "inner@x.io", name: "I" })
        await nested.insert(users).values({ email: "outer@x.io", name: "again" })
      }))
      assert.strictEqual((inner as DbError).reason._tag, "UniqueViolation")
    }, { isolationLevel: "serializable" })
    const emails = (await db.select().from(users)).map((user) => user.email)
    assert.include(emails, "outer@x.io")
    assert.notIncludeMembers(emails, ["rolled@x.io", "inner@x.io"])
  })

  it("counts a lost server as an error, and does not repeat its address or password", async () => {
    const nowhere = new URL(database.url)
    nowhere.port = "1"
    nowhere.password = "canary"
    const lost = await openDatabase({ relations, url: nowhere.href })
    const error = await rejection(lost.dbManager.executeQuery((db) => db.execute(sql`select 1`)))
    assert.strictEqual((error as DbError).reason._tag, "ConnectFailed")
    const state = lost.dbManager.getConnectionState()
    assert.deepInclude(state, { isConnected: false, errorCount: 1 })
    assert.notInclude(`${inspect(error, { depth: 20 })}${inspect(state)}`, "canary")
    await lost.close()
  })

  it("rejects settings out of bounds", async () => {
    const error = await rejection(openDatabase({ relations, url: database.url, poolMax: 0 }))
    assert.include(String(error), "EMS_POOL_MAX")
  })

  it("rejects queries after close", async () => {
    const closing = await openDatabase({ relations, url: database.url })
    await closing.db.execute(sql`select 1`)
    await closing.close()
    await rejection(closing.db.execute(sql`select 1`))
  })

  describe("optimizedQuery", () => {
    let open: OpenDatabase<typeof relations>
    const logged = async () => {
      const layer = ManagedRuntime.make(DbCore.layerOf(relations, { url: database.url }))
      await layer.runPromise(Effect.andThen(ChangeLog.install, ChangeLog.track(["public.users"])))
      await layer.dispose()
    }
    beforeAll(async () => {
      await logged()
      open = await openDatabase({ relations, url: database.url })
    })
    afterAll(() => open.close())
    const all = () => open.optimizedQuery.select(() => open.db.select().from(users), users, "all users")
    const hits = () => open.queryOptimizer.getCacheStats().hits

    it("reads from memory until somebody writes", async () => {
      const { db, optimizedQuery } = open
      const before = await all()
      assert.deepStrictEqual(await all(), before)
      assert.strictEqual(hits(), 1)
      const [added] = await optimizedQuery.insert(
        () => db.insert(users).values({ email: "cached@x.io", name: "C" }).returning(),
        users,
        "add"
      )
      assert.strictEqual(added?.email, "cached@x.io")
      assert.lengthOf(await all(), before.length + 1)
      await optimizedQuery.update(
        () => db.update(users).set({ name: "D" }).where(eq(users.email, "cached@x.io")),
        "users"
      )
      assert.include((await all()).map((user) => user.name), "D")
      await optimizedQuery.delete(() => db.delete(users).where(eq(users.email, "cached@x.io")), users)
      assert.lengthOf(await all(), before.length)
      await optimizedQuery.select(() => db.select().from(users), users, "past it", false)
      assert.strictEqual(hits(), 1)
    })

    it("sees a transaction's own rows inside it", async () => {
      const { db, optimizedQuery } = open
      const { length } = await all()
      await rejection(db.transaction(async (tx) => {
        await tx.insert(users).values({ email: "inside@x.io", name: "I" })
        assert.lengthOf(await optimizedQuery.select(() => tx.select().from(users), users), length + 1)
        throw new Error("back")
      }))
      assert.lengthOf(await all(), length)
    })

    it("runs a function that it cannot look into, and counts its table as written", async () => {
      const { db, optimizedQuery, queryOptimizer } = open
      const { length } = await all()
      const mine = new Error("mine")
      assert.strictEqual(await rejection(optimizedQuery.select(async () => Promise.reject(mine), users)), mine)
      await optimizedQuery.insert(async () => {
        await db.insert(users).values({ email: "opaque@x.io", name: "O" })
        await database.admin("insert into users (email, name) values ('psql@x.io', 'P')")
      }, "users")
      assert.lengthOf(await all(), length + 2)
      assert.strictEqual(queryOptimizer.getCacheStats().bypasses.opaque, 2)
    })

    it("tells what ran, what was slow and what memory answered", async () => {
      const slow = await openDatabase({ relations, url: database.url, slowQuery: 50 })
      const { db, optimizedQuery, queryOptimizer } = slow
      await db.execute(sql`select pg_sleep(0.06), ${"canary"}::text`)
      for (let n = 0; n < 5; n++) await optimizedQuery.select(() => db.select().from(users), users)
      const stats = queryOptimizer.getPerformanceStats()
      assert.isAtLeast(stats.calls, 2)
      assert.strictEqual(stats.slow, 1)
      assert.isAtLeast(stats.cache.hits, 3)
      assert.isAtLeast(stats.p99Ms, 50)
      const [found] = queryOptimizer.getSlowQueries(50)
      assert.isAtLeast(found!.durationMs, 50)
      assert.notInclude(inspect([stats, found], { depth: 20 }), "canary")
      assert.deepStrictEqual(queryOptimizer.getSlowQueries(60_000), [])
      await slow.close()
    })

    it("is invalidated by table and configured while it runs", async () => {
      const { queryOptimizer } = open
      await all()
      await all()
      const before = hits()
      await queryOptimizer.invalidateCache("users")
      await all()
      assert.strictEqual(hits(), before)
      assert.include(queryOptimizer.configureCache({ enabled: false, maxEntries: 7 }), {
        enabled: false,
        maxEntries: 7
      })
      await all()
      assert.strictEqual(queryOptimizer.getCacheStats().bypasses.disabled, 1)
      queryOptimizer.configureCache({ enabled: true })
    })
  })

  describe("dbOptimization", () => {
    it("shows a plan, builds what is missing, and finds nothing to do after that", async () => {
      const { dbOptimization } = open
      await database.admin("drop index idx_events_date")
      const plan = await dbOptimization.createIndexes({ dryRun: true })
      assert.deepStrictEqual(plan.steps.map(({ kind, object }) => [kind, object]), [[
        "create-index",
        "idx_events_date"
      ]])
      const built = await dbOptimization.createIndexes()
      assert.deepStrictEqual(built.steps.map(({ outcome, step }) => [step.object, outcome]), [[
        "idx_events_date",
        "done"
      ]])
      assert.isEmpty((await dbOptimization.createIndexes()).steps)
    })

    it("analyses, vacuums and optimizes the tables it is told", async () => {
      const { dbOptimization } = open
      for (const action of ["analyzeTables", "vacuumTables", "optimizeStorage"] as const) {
        const { steps } = await dbOptimization[action]({ tables: ["users"] })
        assert.isNotEmpty(steps)
        for (const { step } of steps) assert.strictEqual(step.table, "users")
      }
      const error = await rejection(dbOptimization.analyzeTables({ tables: ["user"] }))
      assert.instanceOf(error, MaintenanceError)
      assert.include(error.message, "did you mean public.users")
    })

    it("tells of the database, its tables and its indexes", async () => {
      const { dbOptimization } = open
      const { database: own, indexes, notes, tables, unusedIndexes } = await dbOptimization.getPerformanceMetrics()
      assert.strictEqual(own.name, database.name)
      assert.isAbove(own.bytes ?? 0, 1_000_000)
      assert.include(tables.map(({ table }) => table), "registrations")
      assert.include(indexes.map(({ name }) => name), "idx_events_date")
      assert.isArray(notes)
      assert.deepStrictEqual(
        (await dbOptimization.findUnusedIndexes()).map(({ name }) => name),
        unusedIndexes.map(({ name }) => name)
      )
      assert.strictEqual((await dbOptimization.getStats()).length, tables.length)
      assert.strictEqual((await dbOptimization.getIndexStats()).length, indexes.length)
    })
  })
})
