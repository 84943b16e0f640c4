/** The snippets that callers without Effect write, in the product's names. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { relations, users } from "@ems/schema"
import { eq, sql } from "drizzle-orm"
import { inspect } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { DbError, type OpenDatabase, openDatabase } from "../src/promise.ts"

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
    open = await openDatabase({ relations, url: database.url })
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
})
