/**
 * Clients that each do the same thing again and again, as pgbench's do: the next one begins when one is done, so what is
 * measured is a closed loop.
 */
import type { BenchMeasurement } from "@ems/schema/contract/Bench"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export type Figures = Omit<BenchMeasurement, "measure">

/** The smallest of `sorted` that at least `share` of them do not exceed. */
const nearestRank = (sorted: Float64Array, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0

/** `latencies` in milliseconds, at least one. */
export const figuresOf = (latencies: ReadonlyArray<number>, clients: number, durationMs: number): Figures => {
  const sorted = Float64Array.from(latencies).toSorted()
  const count = sorted.length
  const average = sorted.reduce((sum, ms) => sum + ms, 0) / count
  const variance = sorted.reduce((sum, ms) => sum + (ms - average) ** 2, 0) / count
  return {
    clients,
    transactions: count,
    durationMs,
    tps: count / durationMs * 1000,
    latencyAverageMs: average,
    latencyStddevMs: Math.sqrt(variance),
    p50Ms: nearestRank(sorted, 0.5),
    p95Ms: nearestRank(sorted, 0.95),
    p99Ms: nearestRank(sorted, 0.99),
    maxMs: sorted[count - 1] ?? 0
  }
}

export interface LoadOptions {
  readonly clients: number
  /** What has begun by then is finished, and counted. */
  readonly durationMs: number
}

/**
 * Each client does `once` at least once, and once more beforehand, which is not counted: it opens the connections. The
 * first failure ends all of it.
 */
export const load = Effect.fnUntraced(function*<E, R>(
  once: (client: number, nth: number) => Effect.Effect<unknown, E, R>,
  { clients, durationMs }: LoadOptions
) {
  const clock = yield* Clock.Clock
  const all = Array.from({ length: clients }, (_, client) => client)
  const together = { concurrency: "unbounded", discard: true } as const
  yield* Effect.forEach(all, (client) => once(client, 0), together)

  const latencies: Array<number> = []
  const begun = clock.currentTimeNanosUnsafe()
  const sinceMs = (nanos: bigint) => Number(clock.currentTimeNanosUnsafe() - nanos) / 1e6
  const client = Effect.fnUntraced(function*(client: number) {
    let nth = 1
    do {
      const started = clock.currentTimeNanosUnsafe()
      yield* once(client, nth++)
      latencies.push(sinceMs(started))
    } while (sinceMs(begun) < durationMs)
  })
  yield* Effect.forEach(all, client, together)
  return figuresOf(latencies, clients, sinceMs(begun))
})
