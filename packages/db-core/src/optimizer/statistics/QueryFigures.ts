/** What is reported of a query, and of all of them: plain numbers, durations in milliseconds. */
import type { ReasonTag } from "../../errors/SqlState.ts"
import type { PlanHistory } from "./PlanShape.ts"
import type { Caller, QueryEntry } from "./QueryEntry.ts"
import { Tally } from "./Tally.ts"
import type { Window } from "./Windows.ts"

export interface Figures {
  /** Finished, failures included; not what the cache answered. */
  readonly calls: number
  /** Failed before a connection had them; not among `calls`. */
  readonly unsent: number
  /** Returned, or affected where none are returned. */
  readonly rows: number
  /** Those unsent too. */
  readonly errors: number
  /** At or above the threshold. */
  readonly slow: number
  readonly totalMs: number
  readonly meanMs: number
  /** Off by at most 3.1 %: see `Histogram.ts`. */
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  /** Exact, in microseconds' steps. */
  readonly maxMs: number
  readonly cache: {
    readonly hits: number
    readonly misses: number
    readonly bypasses: number
    /** Hits among hits and misses, 0 to 1; 0 when there are none. */
    readonly hitRatio: number
  }
}

export interface QueryFigures extends Figures {
  /** Stable: of its text without values. `other` for all queries that are not told apart. */
  readonly id: string
  readonly text: string
  readonly name: string | undefined
  readonly operation: string | undefined
  readonly summary: string
  readonly tables: ReadonlyArray<string>
  /** Milliseconds since the epoch, as `lastSeen`. */
  readonly firstSeen: number
  readonly lastSeen: number
  /** Since start or reset, whatever the window. */
  readonly errorReasons: Readonly<Partial<Record<ReasonTag, number>>>
  /** The first eight that were seen, the busiest first; since start or reset. */
  readonly callers: ReadonlyArray<Readonly<Caller>>
  readonly plan: PlanHistory | undefined
}

export const figuresOf = (tally: Tally): Figures => {
  const { bypasses, calls, durations, errors, hits, maxUs, misses, rows, slow, totalUs, unsent } = tally
  // The middle of a bucket may lie above what was really the longest.
  const quantile = (q: number): number => Math.min(durations.quantile(q), maxUs) / 1000
  return {
    calls,
    unsent,
    rows,
    errors,
    slow,
    totalMs: totalUs / 1000,
    meanMs: calls === 0 ? 0 : totalUs / 1000 / calls,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    maxMs: maxUs / 1000,
    cache: { hits, misses, bypasses, hitRatio: hits + misses === 0 ? 0 : hits / (hits + misses) }
  }
}

export const queryFigures = (entry: QueryEntry, tally: Tally): QueryFigures => {
  const { callers, errors, fingerprint, firstSeen, lastSeen, name, plan } = entry
  return {
    ...fingerprint,
    name,
    firstSeen,
    lastSeen,
    errorReasons: Object.fromEntries(errors),
    callers: callers.toSorted((a, b) => b.calls - a.calls).map((caller) => ({ ...caller })),
    plan,
    ...figuresOf(tally)
  }
}

/** What a list is sorted by, the highest first. `rows` is of all calls together, `mean` and the rest are of one. */
export type Order = "total" | "calls" | "mean" | "p50" | "p95" | "p99" | "max" | "rows" | "errors"

/** Those for which durations have to be added up: ten times the work of the rest. */
export const isOfDurations = (by: Order): boolean => by === "p50" || by === "p95" || by === "p99"

export const ranks: { readonly [By in Order]: (tally: Tally) => number } = {
  total: ({ totalUs }) => totalUs,
  calls: ({ calls }) => calls,
  mean: ({ calls, totalUs }) => calls === 0 ? 0 : totalUs / calls,
  p50: ({ durations }) => durations.quantile(0.5),
  p95: ({ durations }) => durations.quantile(0.95),
  p99: ({ durations }) => durations.quantile(0.99),
  max: ({ maxUs }) => maxUs,
  rows: ({ rows }) => rows,
  errors: ({ errors }) => errors
}

/** The first `limit` of `entries` that were called in `window`. */
export const topOf = (
  entries: Iterable<QueryEntry>,
  window: Window,
  by: Order,
  limit: number,
  now: number
): ReadonlyArray<QueryFigures> => {
  const found: Array<{ readonly entry: QueryEntry; readonly rank: number }> = []
  const sum = new Tally()
  // Of all entries only where they are sorted by it.
  const add = isOfDurations(by) ? (tally: Tally) => sum.add(tally) : (tally: Tally) => sum.addCounts(tally)
  for (const entry of entries) {
    sum.clear()
    entry.each(window, now, add)
    if (sum.calls + sum.unsent + sum.hits > 0) found.push({ entry, rank: ranks[by](sum) })
  }
  return found.toSorted((a, b) => b.rank - a.rank).slice(0, limit).map(({ entry }) =>
    queryFigures(entry, entry.read(window, now))
  )
}
