import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import { assert, describe, it } from "vitest"
import type { Order } from "../../../src/optimizer/statistics/QueryFigures.ts"
import { queryPage } from "../../../src/optimizer/statistics/QueryPage.ts"
import { TrackedQueries } from "../../../src/optimizer/statistics/TrackedQueries.ts"
import { statementOf } from "../../../src/telemetry/Fingerprint.ts"
import { OperationDurations } from "../../../src/telemetry/OperationDuration.ts"

const start = 1_800_000_000_000

const make = (most: number) =>
  new TrackedQueries(most, new OperationDurations("d", Context.make(Metric.MetricRegistry, new Map())), start)

/** Each took so many milliseconds, and was called as often as its place in the list says. */
const tracked = (durations: ReadonlyArray<number>) => {
  const made = make(Math.max(durations.length, 100))
  for (const [at, ms] of durations.entries()) {
    const entry = made.entry(statementOf(`select ${"a".repeat(at + 1)}`).fingerprint, start)
    for (let calls = 0; calls <= at; calls++) entry.record(start, ms * 1000, 1, false, false)
  }
  return made
}

const page = (made: TrackedQueries, by: Order, more: { isUp?: boolean; offset?: number; limit?: number } = {}) =>
  Effect.runPromise(queryPage(made.all(), { window: "all", by, offset: 0, limit: 50, ...more }, start + 60_000))

describe("a page of queries", () => {
  it("is in the order of any figure, both ways", async () => {
    const made = tracked([50, 10, 30])
    const maxima = async (by: Order, isUp = false) =>
      (await page(made, by, { isUp })).rows.map(({ maxMs }) => Math.round(maxMs))
    for (const by of ["p50", "p95", "p99", "max", "mean"] as const) {
      assert.deepStrictEqual(await maxima(by), [50, 30, 10], by)
      assert.deepStrictEqual(await maxima(by, true), [10, 30, 50], by)
    }
    assert.deepStrictEqual(await maxima("calls"), [30, 10, 50])
    assert.deepStrictEqual(await maxima("total"), [30, 50, 10])
  })

  it("tells how many there are, and nothing comes twice", async () => {
    const made = tracked(Array.from({ length: 10 }, () => 5))
    const pages = await Promise.all([0, 3, 6, 9].map((offset) => page(made, "mean", { offset, limit: 3 })))
    assert.strictEqual(new Set(pages.flatMap(({ rows }) => rows.map(({ id }) => id))).size, 10)
    assert.deepStrictEqual(pages.map(({ total }) => total), [10, 10, 10, 10])
    assert.deepStrictEqual(await page(make(100), "total"), { rows: [], total: 0 })
  })

  it("lets others go on in between", async () => {
    const made = make(2000)
    for (let at = 0; at < 2000; at++) {
      made.entry(statementOf(`select ${at} from t_${at}`).fingerprint, start).record(start, 1, 1, false, false)
    }
    let turns = 0
    const others = Effect.forever(Effect.andThen(Effect.sync(() => turns++), Effect.yieldNow))
    const { total } = await Effect.runPromise(Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(others)
      const found = yield* queryPage(made.all(), { window: "all", by: "total", offset: 0, limit: 1 }, start + 60_000)
      yield* Fiber.interrupt(fiber)
      return found
    }))
    assert.strictEqual(total, 2000)
    assert.isAbove(turns, 2)
  })
})
