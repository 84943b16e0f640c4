/**
 * What statistics cost: time for each statement that is counted, memory after 100,000 different ones, and memory when as
 * many as are told apart were busy for a day. Without a database: what is measured is what is done between the answer
 * and the caller.
 */
import * as DbConfig from "@ems/db-core/config/DbConfig"
import type { StatementOutcome } from "@ems/db-core/driver/StatementHooks"
import { QueryStatistics } from "@ems/db-core/optimizer/statistics/QueryStatistics"
import { statementOf } from "@ems/db-core/telemetry/Fingerprint"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { writeFileSync } from "node:fs"
import type { BenchOptions } from "./options.ts"

/** Microseconds for each statement, and MiB that the heap grows by. */
const goals = { builtUs: 0.5, preparedUs: 0.5, heapMiB: 64, busyHeapMiB: 64 } as const

const distinct = 100_000
const batch = 50_000

const builder = (table: number): string =>
  `select "id", "email", "name", "created_at", "updated_at" from "table_${table}" where "table_${table}"."id" = $1`

/** A text as a query builder makes it: equal to others, and no object of theirs. */
const fresh = (text: string): string => Buffer.from(text).toString("latin1")

const outcomeOf = (sql: string, fiber: Fiber.Fiber<unknown, unknown>, durationMs: number): StatementOutcome => ({
  sql,
  params: [1],
  lane: "shared",
  fiber,
  durationMs,
  rows: 1,
  error: undefined
})

const withStatistics = <A>(
  use: (statistics: QueryStatistics["Service"], fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A>,
  clock: Clock.Clock = Effect.runSync(Clock.Clock)
): Promise<A> =>
  Effect.runPromise(
    Effect.withFiber((fiber) => Effect.flatMap(QueryStatistics, (statistics) => use(statistics, fiber))).pipe(
      Effect.withSpan("request"),
      Effect.provide(
        QueryStatistics.layerNoDeps().pipe(
          Layer.provide(DbConfig.DbConfig.layerOf({ url: "postgres://bench@127.0.0.1/bench" }))
        )
      ),
      Effect.provideService(Clock.Clock, clock),
      Effect.orDie
    )
  )

/** What else the machine is busy with only adds. */
const fastest = (figures: ReadonlyArray<number>): number => Math.min(...figures)

/** Microseconds to count one of `outcomes`; they are made beforehand, as the driver makes them anyway. */
const costOf = (outcomes: ReadonlyArray<StatementOutcome>, count: (outcome: StatementOutcome) => unknown): number => {
  const started = performance.now()
  for (const outcome of outcomes) count(outcome)
  return ((performance.now() - started) * 1000) / outcomes.length
}

/** What is alive after a collection, in MiB. */
const heap = (): number => {
  const { Bun, gc } = globalThis as { readonly Bun?: { readonly gc: (sync: true) => void }; readonly gc?: () => void }
  if (Bun === undefined && gc === undefined) {
    console.error("run with Bun, or with node --expose-gc: the heap is measured after a collection")
    process.exit(2)
  }
  for (let times = 0; times < 3; times++) Bun === undefined ? gc!() : Bun.gc(true)
  const { external, heapUsed } = process.memoryUsage()
  // Node has typed arrays outside of its heap.
  return (heapUsed + external) / 1024 / 1024
}

const time = (rounds: number) =>
  withStatistics((statistics, fiber) =>
    Effect.sync(() => {
      const { outcome } = statistics.hooks
      const texts = Array.from({ length: 40 }, (_, table) => builder(table))
      const made = (text: (at: number) => string) =>
        Array.from({ length: batch }, (_, at) => outcomeOf(text(at), fiber, 0.05 + (at % 97) / 13))
      const prepared = made((at) => texts[at % texts.length]!)
      const figures = { built: [] as Array<number>, prepared: [] as Array<number>, parsed: [] as Array<number> }
      for (let round = 0; round <= rounds; round++) {
        const cost = {
          built: costOf(made((at) => fresh(texts[at % texts.length]!)), outcome),
          prepared: costOf(prepared, outcome),
          parsed: costOf(prepared.slice(0, 2000), ({ sql }) => statementOf(sql))
        }
        // The first is for warming up.
        if (round > 0) { for (const key of ["built", "prepared", "parsed"] as const) figures[key].push(cost[key]) }
      }
      return figures
    })
  )

/** Every one differs in its table and has a literal of its own; some are long. */
const memory = () =>
  withStatistics((statistics, fiber) =>
    Effect.gen(function*() {
      const before = heap()
      for (let at = 0; at < distinct; at++) {
        const long = at % 50 === 0 ? ` and x in (${Array.from({ length: 400 }, (_, n) => at + n).join()})` : ""
        statistics.hooks.outcome(outcomeOf(`${builder(at)} and y = 'value ${at}'${long}`, fiber, 0.1 + at % 1000))
      }
      const grown = heap() - before
      // Read behind the measurement, so that they are alive during it.
      const { calls, fingerprints, forgotten } = yield* statistics.totals()
      if (calls !== distinct) return yield* Effect.die(new Error(`counted ${calls} of ${distinct} statements`))
      return { grown, fingerprints, forgotten }
    })
  )

/** All windows of all queries full, each query with durations from 0.1 to about 100 ms. */
const busy = () => {
  let at = 1_800_000_000_000
  const clock: Clock.Clock = Object.assign(Object.create(Effect.runSync(Clock.Clock)), {
    currentTimeMillisUnsafe: () => at
  })
  return withStatistics((statistics, fiber) =>
    Effect.gen(function*() {
      const texts = Array.from({ length: 5000 }, (_, table) => builder(table))
      const before = heap()
      for (let step = 0; step < 24 * 4 + 4; step++) {
        // The last steps are a quarter of a minute each, so that the shortest window is full too.
        at += step < 24 * 4 ? 900_000 : 15_000
        for (let call = 0; call < 10; call++) {
          const ms = 0.1 * 2 ** ((step * 7 + call * 3) % 11)
          for (const sql of texts) statistics.hooks.outcome(outcomeOf(sql, fiber, ms))
        }
      }
      const grown = heap() - before
      const asked = performance.now()
      yield* statistics.top({ window: "day" })
      const topMs = performance.now() - asked
      const { fingerprints } = yield* statistics.totals("day")
      const totalsMs = performance.now() - asked - topMs
      if (fingerprints !== texts.length) return yield* Effect.die(new Error(`${fingerprints} are told apart`))
      return { grown, topMs, totalsMs }
    }), clock)
}

export const statistics = async (options: BenchOptions): Promise<number> => {
  const { built, parsed, prepared } = await time(options.rounds)
  const { fingerprints, forgotten, grown } = await memory()
  const day = await busy()
  const measured = {
    builtUs: fastest(built),
    preparedUs: fastest(prepared),
    heapMiB: grown,
    busyHeapMiB: day.grown
  }
  console.log(`statistics, the fastest of ${options.rounds} rounds of ${batch.toLocaleString("en")} statements`)
  console.log(`  taking a new text apart: ${fastest(parsed).toFixed(1)} us, once for each text`)
  console.log(`  ${distinct.toLocaleString("en")} queries: ${fingerprints} told apart, ${forgotten} counted together`)
  console.log(`  the first 20 of 5,000 busy ones: ${day.topMs.toFixed(0)} ms, their sum: ${day.totalsMs.toFixed(0)} ms`)
  let missed = 0
  const names = {
    builtUs: "us, text built",
    preparedUs: "us, text prepared",
    heapMiB: `MiB of heap after ${distinct.toLocaleString("en")} queries`,
    busyHeapMiB: "MiB of heap after a day of 5,000 queries"
  }
  for (const key of ["builtUs", "preparedUs", "heapMiB", "busyHeapMiB"] as const) {
    const isMet = measured[key] <= goals[key]
    if (!isMet) missed++
    console.log(`  ${measured[key].toFixed(2)} ${names[key]}, goal at most ${goals[key]}: ${isMet ? "met" : "MISSED"}`)
  }
  if (options.json !== undefined) {
    writeFileSync(options.json, JSON.stringify({ measured, goals, fingerprints, forgotten }, null, 2))
  }
  return missed === 0 ? 0 : 1
}
