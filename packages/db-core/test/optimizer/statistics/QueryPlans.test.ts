import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { inspect } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../../../src/connection/Database.ts"
import { Pool } from "../../../src/connection/Pool.ts"
import { type QueryFigures } from "../../../src/optimizer/statistics/QueryFigures.ts"
import { labelled } from "../../../src/optimizer/statistics/QueryLabels.ts"
import { QueryPlans } from "../../../src/optimizer/statistics/QueryPlans.ts"
import { QueryStatistics } from "../../../src/optimizer/statistics/QueryStatistics.ts"
import { run } from "./wired.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  await database.admin("create table h (id int primary key, t text) with (autovacuum_enabled = off)")
  await database.admin("insert into h select i, 'canary ' || i from generate_series(1, 20000) i")
  await database.admin("create table log (n int)")
  await database.admin(
    "create function writes() returns int language sql volatile as 'insert into log values (1); select 1'"
  )
  await database.admin("analyze h")
})
afterAll(() => database.close())

const explain = (text: string, parameters = 0) => QueryPlans.use((plans) => plans.explain(text, parameters))

describe("QueryPlans", () => {
  it("says how a read is done, for any values, without a value", async () => {
    const { value: [byKey, byText, joined] } = await run(
      { url: database.url },
      Effect.all([
        explain("select t from h where id = $1", 1),
        explain("select 'canary', id from h where t = 'canary 7' and t <> $1 and length(t) > $2", 2),
        explain("with c as (select 1 as x) select * from h join c on c.x = h.id order by h.t desc")
      ])
    )
    assert.include(byKey.root, { type: "Index Scan", relation: "h", index: "h_pkey", rows: 1 })
    assert.include(byText.root, { type: "Seq Scan", relation: "h" })
    assert.isAbove(byText.root.totalCost, 10)
    assert.isNotEmpty(joined.root.children)
    assert.notStrictEqual(byKey.shape, byText.shape)
    for (const plan of [byKey, byText, joined]) assert.notInclude(inspect(plan, { depth: 20 }), "canary")
  })

  it("leaves nothing behind: no statement, no transaction, nothing in the statistics, also when it fails", async () => {
    const { value: [prepared, snapshot, totals, failures] } = await run(
      { url: database.url, poolMax: 1 },
      Effect.gen(function*() {
        yield* explain("select t from h where id = $1", 1)
        const failures = yield* Effect.forEach(
          [["select nothing from h", 0], ["select t from h where id = $1", 3], ["select 1; select 2", 0]] as const,
          ([text, parameters]) => Effect.flip(explain(text, parameters))
        )
        const before = yield* QueryStatistics.use((statistics) => statistics.totals())
        const prepared = yield* Database.use((db) =>
          db.query((d) => d.execute(sql`select name from pg_prepared_statements where name like 'ems_plan%'`))
        )
        return [prepared.rows, yield* Pool.use((pool) => pool.snapshot), before, failures] as const
      })
    )
    assert.deepStrictEqual(prepared, [])
    // The one connection is still the first.
    assert.include(snapshot, { created: 1, total: 1 })
    assert.strictEqual(totals.calls, 0)
    assert.deepStrictEqual(failures.map(({ reason }) => reason._tag), [
      "InvalidStatement",
      "InvalidStatement",
      "InvalidStatement"
    ])
  })

  it("explains no write, and runs nothing", async () => {
    const { value: failures } = await run(
      { url: database.url },
      Effect.gen(function*() {
        const writes = [
          "insert into log values (1)",
          "select 1 from h for update",
          "with x as (delete from log) select 1"
        ]
        const failures = yield* Effect.forEach(writes, (text) => Effect.flip(explain(text)))
        // It looks like a read, and is planned as one.
        yield* explain("select writes()")
        return failures
      })
    )
    assert.deepStrictEqual(failures.map(({ reason }) => reason._tag), ["Unsupported", "Unsupported", "Unsupported"])
    assert.deepStrictEqual(await database.admin("select * from log"), [])
  })

  it("gives up on a plan that waits for a lock", async () => {
    const { value: waited } = await run(
      { url: database.url },
      Effect.gen(function*() {
        const db = yield* Database
        return yield* db.transaction((tx) =>
          Effect.gen(function*() {
            yield* tx.execute(sql`lock table h in access exclusive mode`)
            const started = performance.now()
            const failure = yield* Effect.flip(explain("select t from h where id = $1", 1))
            assert.strictEqual(failure.reason._tag, "StatementTimeout")
            return performance.now() - started
          })
        )
      })
    )
    assert.isBelow(waited, 2500)
  })

  it("asks for the plan of slow reads by itself, and says when it changed", async () => {
    const slowRead = (id: number) =>
      labelled({ slowQuery: 0 })(
        Database.use((db) => db.query((d) => d.execute(sql`select id, 'canary' from h where t = ${`canary ${id}`}`)))
      )
    const planned = (known: (figures: QueryFigures) => boolean) =>
      Effect.gen(function*() {
        const statistics = yield* QueryStatistics
        for (let tries = 0; tries < 100; tries++) {
          const found = (yield* statistics.top()).find(({ text }) => text.startsWith("select id, ?"))
          if (found !== undefined && known(found)) return found
          yield* Effect.sleep(20)
        }
        return yield* Effect.die(new Error("no plan"))
      })
    const { lines, value: [first, second] } = await run(
      { url: database.url, slowQueryPlans: 600 },
      Effect.gen(function*() {
        yield* slowRead(1)
        const first = yield* planned(({ plan }) => plan !== undefined)
        yield* Effect.promise(() => database.admin("create index h_t on h (t)"))
        const again = yield* explain("select id, 'canary' from h where t = $1", 1)
        yield* QueryStatistics.use((statistics) => statistics.planned(first.id, again))
        return [first.plan, (yield* planned(({ plan }) => plan?.previous !== undefined)).plan] as const
      })
    )
    assert.strictEqual(first?.latest.root.type, "Seq Scan")
    assert.notStrictEqual(second?.latest.shape, first?.latest.shape)
    assert.strictEqual(second?.previous?.shape, first?.latest.shape)
    const changed = lines.filter(({ text }) => text.includes("plan changed: SELECT h"))
    assert.lengthOf(changed, 1)
    assert.include(changed[0]!.text, `before=${first?.latest.shape} after=${second?.latest.shape}`)
    assert.notInclude(inspect([lines, first, second], { depth: 20 }), "canary")
  })

  it("is not asked for by itself unless a setting says so", async () => {
    const { value } = await run(
      { url: database.url },
      Effect.gen(function*() {
        yield* labelled({ slowQuery: 0 })(
          Database.use((db) => db.query((d) => d.execute(sql`select 1 from h limit 1`)))
        )
        yield* Effect.sleep(200)
        return yield* QueryStatistics.use((statistics) => statistics.top())
      })
    )
    assert.isUndefined(value[0]!.plan)
  })
})
