/** What one caller leaves in a session must not meet the next one. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing/TestDatabase"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Database } from "../../src/connection/Database.ts"
import { Pool } from "../../src/connection/Pool.ts"
import * as DbCore from "../../src/DbCore.ts"
import { leavesState } from "../../src/driver/PoolerRules.ts"

describe("leavesState", () => {
  it.each([
    ["set search_path = other", true],
    ["select set_config('app.tenant', $1, false)", true],
    ["select set_config($1, $2, $3)", true],
    ["select set_config('app.tenant', $1, true)", false],
    ["select set_config('app.tenant', coalesce($1, ''), true), 1", false],
    ["set local search_path = other", false],
    ["select pg_advisory_lock(1)", true],
    ["select pg_advisory_xact_lock(1)", false],
    ["create temp table t (id int)", true],
    ["select 1", false]
  ])("%s: %s", (text, expected) => {
    expect(leavesState(text)).toBe(expected)
  })
})

describe("a connection with state of a caller", () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
  })
  afterAll(() => database.close())

  it("is closed instead of lent again", async () => {
    const runtime = ManagedRuntime.make(DbCore.layerOf({}, { url: database.url, poolMax: 1 }))
    const { after, closed, inside } = await runtime.runPromise(Effect.gen(function*() {
      const db = yield* Database
      const path = sql`select current_setting('search_path') as path`
      yield* db.query((d) => d.execute(sql`set search_path = elsewhere`))
      const after = yield* db.query((d) => d.execute(path))
      const inside = yield* db.transaction((tx) =>
        Effect.andThen(tx.execute(sql`set search_path = elsewhere`), tx.execute(path))
      )
      const afterwards = yield* db.query((d) => d.execute(path))
      const { closed } = yield* Pool.use((pool) => pool.snapshot)
      return { after: [after.rows[0], afterwards.rows[0]], inside: inside.rows[0], closed }
    }))
    await runtime.dispose()
    expect(inside).toEqual({ path: "elsewhere" })
    expect(after).toEqual([{ path: "\"$user\", public" }, { path: "\"$user\", public" }])
    expect(closed.dirty).toBe(2)
  })
})
