/** What Prometheus gets to see after real work. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../../../src/connection/Database.ts"
import { Pool, type PoolSnapshot } from "../../../src/connection/Pool.ts"
import { layer, run } from "./wired.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  await database.admin("create table h (id text primary key)")
})
afterAll(() => database.close())

const query = (text: ReturnType<typeof sql>) => Database.use((db) => db.query((d) => d.execute(text)))
const scrape = PrometheusMetrics.format()

/** The value of the line that begins with `name` and has all of `labels`. */
const valueOf = (text: string, name: string, ...labels: ReadonlyArray<string>): number => {
  const lines = text.split("\n").filter((line) =>
    (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && labels.every((label) => line.includes(label))
  )
  assert.lengthOf(lines, 1, `${name} ${labels.join()} in\n${text}`)
  return Number(lines[0]!.slice(lines[0]!.lastIndexOf(" ") + 1))
}

describe("metrics", () => {
  it("have the conventions' names and bounded attributes, and hold no text and no value", async () => {
    const { value: text } = await run(
      { url: database.url, poolMax: 4 },
      Effect.gen(function*() {
        for (let n = 0; n < 5; n++) yield* query(sql`select ${`canary ${n}`}::text from h`)
        yield* query(sql`insert into h values ('canary')`)
        yield* Effect.ignore(query(sql`insert into h values (${"canary"})`))
        yield* Effect.ignore(query(sql.raw("canary canary")))
        yield* query(sql`select pg_sleep(0.06)`)
        return yield* scrape
      })
    )
    assert.notInclude(text, "canary")
    assert.notInclude(text, "pg_sleep")
    const { host, password } = new URL(database.url)
    for (const secret of [host, password]) assert.notInclude(text, secret)

    const name = "db_client_operation_duration"
    const read = ["db_system_name=\"postgresql\"", `db_namespace="${database.name}"`, "db_operation_name=\"SELECT\""]
    assert.strictEqual(valueOf(text, `${name}_count`, ...read), 6)
    assert.strictEqual(valueOf(text, `${name}_bucket`, ...read, "le=\"0.05\""), 5)
    assert.strictEqual(valueOf(text, `${name}_bucket`, ...read, "le=\"0.1\""), 6)
    assert.isAbove(valueOf(text, `${name}_sum`, ...read), 0.06)
    assert.strictEqual(
      valueOf(text, `${name}_count`, "db_operation_name=\"INSERT\"", "error_type=\"UniqueViolation\""),
      1
    )
    const bounds = text.split("\n").filter((line) => line.startsWith(`${name}_bucket`) && line.includes("\"SELECT\""))
      .map((line) => /le="([^"]+)"/.exec(line)![1])
    assert.deepStrictEqual(bounds, ["0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "10", "+Inf"])
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label!))
    assert.deepStrictEqual([...labels].toSorted(), [
      "db_client_connection_pool_name",
      "db_client_connection_state",
      "db_namespace",
      "db_operation_name",
      "db_system_name",
      "error_type",
      "le"
    ])
  })

  it("show the pool as it is when they are read", async () => {
    const prefix = "db_client_connection"
    await run(
      { url: database.url, poolMax: 2, acquireTimeout: 1000 },
      Effect.gen(function*() {
        const db = yield* Database
        const pool = yield* Pool
        const until = (check: (snapshot: PoolSnapshot) => boolean) =>
          pool.snapshot.pipe(Effect.delay(5), Effect.repeat({ until: check }))
        yield* query(sql`select 1`)
        const idle = yield* scrape
        assert.strictEqual(valueOf(idle, `${prefix}_count`, "state=\"idle\""), 1)
        assert.strictEqual(valueOf(idle, `${prefix}_count`, "state=\"used\""), 0)
        assert.strictEqual(valueOf(idle, `${prefix}_max`), 2)
        assert.strictEqual(valueOf(idle, `${prefix}_idle_max`), 2)
        assert.strictEqual(valueOf(idle, `${prefix}_idle_min`), 0)
        const holders = yield* Effect.forkChild(
          Effect.all([db.transaction(() => Effect.never), db.transaction(() => Effect.never)], { concurrency: 2 })
        )
        yield* until(({ acquired }) => acquired === 2)
        const waiter = yield* Effect.forkChild(Effect.exit(db.write((d) => d.execute(sql`select 1`))))
        yield* until(({ waiting }) => waiting === 1)
        const busy = yield* scrape
        assert.strictEqual(valueOf(busy, `${prefix}_count`, "state=\"used\""), 2)
        assert.strictEqual(valueOf(busy, `${prefix}_pending_requests`), 1)
        assert.strictEqual(valueOf(busy, `${prefix}_timeouts`), 0)
        yield* until(({ timeouts }) => timeouts > 0)
        const after = yield* scrape
        assert.strictEqual(valueOf(after, `${prefix}_pending_requests`), 0)
        assert.isAtLeast(valueOf(after, `${prefix}_timeouts`), 1)
        assert.isAtLeast(valueOf(after, `${prefix}_wait_time_count`), 4)
        assert.isAtLeast(valueOf(after, `${prefix}_wait_time_sum`), 0.9)
        yield* Fiber.interruptAll([waiter, holders])
      })
    )
  })

  it("of two data layers on one database add up, and go with them", async () => {
    const registry: Metric.MetricRegistry = new Map()
    const once = query(sql`select 1`)
    const count = Effect.map(
      scrape,
      (text) => valueOf(text, "db_client_operation_duration_count", "db_operation_name=\"SELECT\"")
    )
    const max = Effect.map(scrape, (text) => valueOf(text, "db_client_connection_max"))
    const found = await Effect.runPromise(
      Effect.gen(function*() {
        yield* once
        const inner = yield* Effect.provide(
          Effect.andThen(once, Effect.all([count, max])),
          layer({ url: database.url, poolMax: 3 })
        )
        return [...inner, yield* count, yield* max]
      }).pipe(
        Effect.provide(layer({ url: database.url, poolMax: 2 })),
        Effect.provideService(Metric.MetricRegistry, registry)
      )
    )
    assert.deepStrictEqual(found, [2, 5, 1, 2])
    assert.strictEqual(registry.size, 0)
  })
})
