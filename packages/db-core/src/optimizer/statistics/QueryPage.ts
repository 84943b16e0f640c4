/**
 * One page of all queries in the order of a figure.
 *
 * All of them are added up to find it, tens of thousands if so many are told apart; that is done in steps, so that
 * what else the process has to do comes in between.
 */
import * as Effect from "effect/Effect"
import type { QueryEntry } from "./QueryEntry.ts"
import { isOfDurations, type Order, type QueryFigures, queryFigures, ranks } from "./QueryFigures.ts"
import { Tally } from "./Tally.ts"
import type { Window } from "./Windows.ts"

export interface PageOptions {
  readonly window: Window
  readonly by: Order
  /** The lowest first; default false. */
  readonly isUp?: boolean
  readonly offset: number
  readonly limit: number
}

export interface QueryPage {
  readonly rows: ReadonlyArray<QueryFigures>
  /** Called in the window, on this page or not. */
  readonly total: number
}

/** Entries at a time: with their durations some 2 ms of work. */
const step = 250

export const queryPage = Effect.fnUntraced(function*(
  entries: Iterable<QueryEntry>,
  { by, isUp = false, limit, offset, window }: PageOptions,
  now: number
) {
  const found: Array<{ readonly entry: QueryEntry; readonly rank: number }> = []
  const sum = new Tally()
  const add = isOfDurations(by) ? (tally: Tally) => sum.add(tally) : (tally: Tally) => sum.addCounts(tally)
  let left = step
  // A copy: some may be forgotten in between.
  for (const entry of Array.from(entries)) {
    sum.clear()
    entry.each(window, now, add)
    if (sum.calls + sum.unsent + sum.hits > 0) found.push({ entry, rank: ranks[by](sum) })
    if (--left > 0) continue
    left = step
    yield* Effect.yieldNow
  }
  const sign = isUp ? 1 : -1
  return {
    rows: found.toSorted((a, b) => sign * (a.rank - b.rank)).slice(offset, offset + limit)
      .map(({ entry }) => queryFigures(entry, entry.read(window, now))),
    total: found.length
  } satisfies QueryPage
})
