import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../src/connection/Database.ts"
import * as DbCore from "../src/DbCore.ts"

let first: TestDatabase
let second: TestDatabase
beforeAll(async () => {
  first = await createTestDatabase({ template: false })
  second = await createTestDatabase({ template: false })
})
afterAll(() => Promise.all([first.close(), second.close()]))

const name = Database.use((db) =>
  Effect.map(
    db.query((d) =>
      d.execute<{ name: string; pid: number }>(sql`select current_database() as name, pg_backend_pid() as pid`)
    ),
    ({ rows }) => rows[0]!
  )
)

describe("DbCore", () => {
  it("makes a data layer of its own for each call, also one inside another", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* name).name, first.name)
      const inner = yield* Effect.provide(name, DbCore.layerOf({}, { url: second.url }))
      assert.strictEqual(inner.name, second.name)
    }).pipe(Effect.provide(DbCore.layerOf({}, { url: first.url })), Effect.runPromise))

  it("keeps the transaction of one data layer from another one's statements", () =>
    Effect.gen(function*() {
      const db = yield* Database
      const [before, inner, within] = yield* db.transaction((tx) =>
        Effect.all([
          Effect.map(tx.execute<{ name: string }>(sql`select current_database() as name`), ({ rows }) => rows[0]?.name),
          Effect.provide(
            Effect.andThen(
              Database.use((other) =>
                other.write((d) => d.execute(sql`create table if not exists inner_write (n int)`))
              ),
              name
            ),
            DbCore.layerOf({}, { url: second.url })
          ),
          Effect.map(
            db.query((d) =>
              d.execute<{ xid: string | null }>(
                sql`select to_regclass('inner_write')::text as xid`
              )
            ),
            ({ rows }) => rows[0]?.xid
          )
        ])
      )
      assert.strictEqual(before, first.name)
      assert.strictEqual(inner.name, second.name)
      assert.isNull(within)
    }).pipe(Effect.provide(DbCore.layerOf({}, { url: first.url })), Effect.runPromise))

  it("shares one pool wherever one layer value is provided", async () => {
    const layer = DbCore.layerOf({}, { url: first.url, poolMax: 1 })
    const services = Layer.mergeAll(
      Layer.effectDiscard(name).pipe(Layer.provide(layer)),
      Layer.effectDiscard(Effect.andThen(Effect.yieldNow, name)).pipe(Layer.provide(layer))
    )
    const count = () =>
      first.admin(
        "select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
      )
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      yield* Layer.build(services)
      assert.strictEqual((yield* Effect.promise(count))[0]?.["n"], 1)
    })))
  })

  it("dies when the relations are not those of the layer", async () => {
    const other = {}
    const exit = await Effect.runPromiseExit(
      Effect.provide(Database.with(other), DbCore.layerOf({}, { url: first.url }))
    )
    assert.include(String(exit), "other relations")
  })
})
