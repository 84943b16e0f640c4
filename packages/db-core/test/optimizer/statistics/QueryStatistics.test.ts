import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { inspect } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../../../src/connection/Database.ts"
import { DbError } from "../../../src/errors/DbError.ts"
import { labelled } from "../../../src/optimizer/statistics/QueryLabels.ts"
import { QueryStatistics } from "../../../src/optimizer/statistics/QueryStatistics.ts"
import { run } from "./wired.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  await database.admin("create table h (id text primary key, n int)")
  await database.admin("insert into h select 'row ' || i, i from generate_series(1, 50) i")
})
afterAll(() => database.close())

const query = (text: ReturnType<typeof sql>) => Database.use((db) => db.query((d) => d.execute(text)))
const top = (options?: Parameters<QueryStatistics["Service"]["top"]>[0]) =>
  QueryStatistics.use((statistics) => statistics.top(options))

describe("QueryStatistics", () => {
  it("counts by fingerprint: calls, rows, errors by reason, times", async () => {
    const { value: [figures, totals, sleeps] } = await run(
      { url: database.url },
      Effect.gen(function*() {
        for (let n = 1; n <= 10; n++) yield* query(sql`select id from h where n <= ${n}`)
        yield* query(sql`select   id FROM h -- canary
          where n <= 7`)
        yield* Effect.ignore(query(sql`insert into h values ('row 1', 1)`))
        yield* Effect.ignore(query(sql`insert into h values ('row 2', 'canary'::int)`))
        for (const seconds of [0.1, 0.1, 0.1, 0.3]) yield* query(sql`select pg_sleep(${seconds})`)
        return [
          yield* top({ by: "calls", window: "minute" }),
          yield* QueryStatistics.use((statistics) => statistics.totals()),
          yield* top({ by: "max", limit: 3 })
        ] as const
      })
    )
    const [read] = figures
    assert.include(read, {
      text: "select id from h where n <= ?",
      operation: "SELECT",
      summary: "SELECT h",
      calls: 11,
      rows: 62,
      errors: 0
    })
    assert.deepStrictEqual(read!.tables, ["h"])
    assert.match(read!.id, /^[0-9a-f]{16}$/)
    assert.deepStrictEqual(
      figures.filter(({ operation }) => operation === "INSERT").map(({ calls, errorReasons, errors }) => ({
        calls,
        errors,
        errorReasons
      })),
      [{ calls: 1, errors: 1, errorReasons: { UniqueViolation: 1 } }, {
        calls: 1,
        errors: 1,
        errorReasons: { InvalidData: 1 }
      }]
    )
    // A first statement opens a connection, which takes longer on a busy machine.
    const sleep = sleeps.find(({ text }) => text === "select pg_sleep(?)")
    assert.include(sleep, { calls: 4 })
    assert.isAtLeast(sleep!.p50Ms, 100)
    assert.isBelow(sleep!.p50Ms, 300)
    assert.isAtLeast(sleep!.p99Ms, 300)
    assert.isAtLeast(sleep!.maxMs, sleep!.p99Ms)
    // The SETs of the data layer itself are among them.
    assert.isAtLeast(totals.calls, 17)
    assert.strictEqual(totals.calls, figures.reduce((sum, { calls }) => sum + calls, 0))
    assert.include(totals, { errors: 2, fingerprints: figures.length, forgotten: 0 })
    assert.notInclude(inspect([figures, totals], { depth: 20 }), "canary")
  })

  it("says who asks: the name and caller that the code gives, else the span around it", async () => {
    const { value: [plain, named] } = await run(
      { url: database.url },
      Effect.gen(function*() {
        yield* Effect.withSpan(query(sql`select 1 as a`), "GET /events")
        yield* Effect.withSpan(query(sql`select 1 as a`), "GET /events")
        yield* Effect.withSpan(query(sql`select 1 as a`), "GET /users/:id")
        const inner = labelled({ name: "users.find" })(query(sql`select 2 as b`))
        yield* labelled({ caller: "nightly" })(Effect.withSpan(inner, "not me"))
        const all = yield* top()
        return ["select ? as a", "select ? as b"].map((text) => all.find((found) => found.text === text))
      })
    )
    assert.deepStrictEqual(plain!.callers, [{ name: "GET /events", calls: 2 }, { name: "GET /users/:id", calls: 1 }])
    assert.isUndefined(plain!.name)
    assert.strictEqual(named!.name, "users.find")
    assert.deepStrictEqual(named!.callers, [{ name: "nightly", calls: 1 }])
  })

  it("counts what the cache answered, and what never had a connection", async () => {
    const { value: [figures, totals] } = await run(
      { url: database.url },
      Effect.gen(function*() {
        const statistics = yield* QueryStatistics
        const text = "select n from h where id = $1"
        const counter = statistics.cacheCounter(text)
        counter.hits += 3
        counter.misses += 1
        counter.bypasses += 2
        assert.strictEqual(statistics.cacheCounter("select n from h  where id = $2"), counter)
        yield* Effect.withFiber((fiber) =>
          Effect.sync(() =>
            statistics.unsent(
              text,
              ["canary"],
              fiber,
              DbError.of("PoolTimeout", "NotSent", "query", { message: "none was free" })
            )
          )
        )
        return [yield* statistics.top({ by: "errors", window: "minute" }), yield* statistics.totals("day")] as const
      })
    )
    assert.lengthOf(figures, 1)
    assert.deepInclude(figures[0], { calls: 0, unsent: 1, errors: 1, errorReasons: { PoolTimeout: 1 } })
    assert.deepStrictEqual(totals.cache, { hits: 3, misses: 1, bypasses: 2, hitRatio: 0.75 })
  })

  it("warns of a slow fingerprint once a minute, and keeps each without values", async () => {
    const { lines, value: [slow, totals] } = await run(
      { url: database.url, slowQuery: 30, slowQueriesKept: 3 },
      Effect.gen(function*() {
        for (let n = 0; n < 4; n++) {
          yield* query(
            sql`select pg_sleep(0.04), ${"canary"}::text, ${sql.param([1, 2])}::int[], ${null}::int, 'canary'`
          )
        }
        yield* query(sql`select pg_sleep(0.05), 1 as b`)
        yield* labelled({ slowQuery: 5 })(query(sql`select pg_sleep(0.01) as mine`))
        yield* labelled({ slowQuery: Number.POSITIVE_INFINITY })(query(sql`select pg_sleep(0.05) as never`))
        const statistics = yield* QueryStatistics
        return [yield* statistics.slow(), yield* statistics.totals()] as const
      })
    )
    const warnings = lines.filter(({ level }) => level === "Warn")
    assert.lengthOf(warnings, 3)
    for (const { text } of warnings) assert.match(text, /slow SELECT.* fingerprint=[0-9a-f]{16} .*heldBack=0/)
    assert.strictEqual(totals.slow, 6)
    // The last three are kept.
    assert.sameMembers(slow.map(({ text }) => text), [
      "select pg_sleep(?), ?::text, ?::int[], ?::int, ?",
      "select pg_sleep(?), ? as b",
      "select pg_sleep(?) as mine"
    ])
    const times = slow.map(({ durationMs }) => durationMs)
    assert.deepStrictEqual(times, times.toSorted((a, b) => b - a))
    assert.deepStrictEqual(slow.find(({ parameterCount }) => parameterCount === 3)?.parameters, [
      { type: "string", length: 6 },
      { type: "array", length: 2 },
      { type: "null" }
    ])
    assert.notInclude(inspect([lines, slow], { depth: 20 }), "canary")
  })

  it("begins anew after a reset", async () => {
    const { value: [after, counter] } = await run(
      { url: database.url },
      Effect.gen(function*() {
        const statistics = yield* QueryStatistics
        const counter = statistics.cacheCounter("select 1 as kept")
        counter.hits = 5
        yield* query(sql`select 1`)
        yield* statistics.reset
        const empty = yield* statistics.totals()
        assert.include(empty, { calls: 0, fingerprints: 0 })
        assert.strictEqual(empty.cache.hits, 0)
        counter.hits++
        yield* query(sql`select 1 as kept`)
        return [yield* statistics.totals(), counter] as const
      })
    )
    assert.include(after, { calls: 1, fingerprints: 1 })
    assert.strictEqual(after.cache.hits, counter.hits - 5)
  })
})
