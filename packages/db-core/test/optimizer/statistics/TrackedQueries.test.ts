import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { assert, describe, it } from "vitest"
import { TrackedQueries } from "../../../src/optimizer/statistics/TrackedQueries.ts"
import { statementOf } from "../../../src/telemetry/Fingerprint.ts"
import { OperationDurations } from "../../../src/telemetry/OperationDuration.ts"
import { StatementTexts } from "../../../src/telemetry/StatementTexts.ts"

const start = 1_800_000_000_000

const make = (most: number) =>
  new TrackedQueries(most, new OperationDurations("d", Context.make(Metric.MetricRegistry, new Map())), start)

const texts = new StatementTexts(statementOf)
const fingerprint = (name: string) => texts.get(`select 1 from ${name}`).fingerprint

const call = (tracked: TrackedQueries, name: string) => {
  tracked.entry(fingerprint(name), start).record(start, 1000, 1, false, false)
}

/** Of all entries, one by one; the sum that is counted apart has to be the same. */
const calls = (tracked: TrackedQueries) => {
  const all = [...tracked.all()].reduce((sum, entry) => sum + entry.read("all", start).calls, 0)
  assert.strictEqual(tracked.sum("all", start).calls, all)
  return all
}

describe("TrackedQueries", () => {
  it("keeps the busy ones through a flood of others, and every call in the sums", () => {
    const tracked = make(100)
    for (let n = 0; n < 5000; n++) {
      call(tracked, `once_${n}`)
      if (n % 20 === 0) { for (let hot = 0; hot < 20; hot++) call(tracked, `hot_${hot}`) }
    }
    for (let hot = 0; hot < 20; hot++) {
      assert.strictEqual(tracked.get(fingerprint(`hot_${hot}`).id)?.read("all", start).calls, 250)
    }
    assert.isAtMost(tracked.size, 100)
    assert.strictEqual(tracked.forgotten, 5020 - tracked.size)
    assert.strictEqual(tracked.get("other")?.read("minute", start).calls, tracked.forgotten)
    assert.strictEqual(calls(tracked), 10_000)
  })

  it("lets go of what was busy once", () => {
    const tracked = make(100)
    for (let n = 0; n < 20; n++) call(tracked, "last_week")
    for (let n = 0; n < 20_000; n++) call(tracked, `now_${n % 1000}`)
    assert.isUndefined(tracked.get(fingerprint("last_week").id))
    assert.strictEqual(calls(tracked), 20_020)
  })

  it("does not lose what the cache counts while a query is forgotten", () => {
    const tracked = make(100)
    const first = tracked.entry(fingerprint("cached"), start)
    first.isCached = true
    const { cache } = first
    cache.hits = 2
    for (let n = 0; n < 5000; n++) call(tracked, `once_${n}`)
    assert.isTrue(first.isForgotten)
    assert.strictEqual(tracked.get("other")?.read("all", start).hits, 2)
    assert.strictEqual(tracked.sum("hour", start).hits, 2)
    cache.hits += 3
    const again = tracked.entry(fingerprint("cached"), start)
    assert.strictEqual(again.cache, cache)
    assert.strictEqual(again.read("all", start).hits, 3)
  })

  it("takes hits for usage", () => {
    const tracked = make(100)
    const hit = tracked.entry(fingerprint("cached"), start)
    for (let n = 0; n < 5000; n++) {
      hit.cache.hits++
      call(tracked, `once_${n}`)
    }
    assert.isFalse(hit.isForgotten)
  })
})
