/** How the second level answered, as plain data. Since start. */
import * as Effect from "effect/Effect"
import type { Rejection } from "./Proof.ts"
import type { Store, StoreError, StoreState } from "./RedisStore.ts"

/** Why the second level was not asked. */
export type Skip =
  /** It is not known yet whose answers these are. */
  | "opening"
  /** No poll has shown yet what this process wrote or invalidated. */
  | "unsettled"
  /** The same was answered a moment ago. */
  | "recent"

export interface L2Report {
  readonly state: StoreState
  readonly hits: number
  /** Nothing was there, or nothing that could be used: see `rejected`. */
  readonly misses: number
  /** Answers that were there and could not be used. */
  readonly rejected: Readonly<Partial<Record<Rejection, number>>>
  readonly skipped: Readonly<Partial<Record<Skip, number>>>
  /** Questions and puts that failed; `circuit` were not sent. */
  readonly errors: Readonly<Partial<Record<StoreError, number>>>
  /** Readers that waited for another process that was filling. */
  readonly waits: number
  readonly puts: number
  /** Answers not put there: too many at once. */
  readonly dropped: number
  /** Answers not put there: larger than `DbConfig.cacheMaxEntryBytes`, or with values that cannot be sent. */
  readonly tooLarge: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

export class Tally {
  hits = 0
  misses = 0
  waits = 0
  puts = 0
  dropped = 0
  tooLarge = 0
  bytesRead = 0
  bytesWritten = 0
  readonly rejected: Partial<Record<Rejection, number>> = {}
  readonly skipped: Partial<Record<Skip, number>> = {}
  readonly errors: Partial<Record<StoreError, number>> = {}

  reject(why: Rejection): void {
    this.rejected[why] = (this.rejected[why] ?? 0) + 1
  }

  skip(why: Skip): void {
    this.skipped[why] = (this.skipped[why] ?? 0) + 1
  }

  failed(why: StoreError): void {
    this.errors[why] = (this.errors[why] ?? 0) + 1
  }
}

export const l2Report = (tally: Tally, store: Store): Effect.Effect<L2Report> =>
  Effect.map(store.state, (state) => ({
    state,
    hits: tally.hits,
    misses: tally.misses,
    rejected: { ...tally.rejected },
    skipped: { ...tally.skipped },
    errors: { ...tally.errors },
    waits: tally.waits,
    puts: tally.puts,
    dropped: tally.dropped,
    tooLarge: tally.tooLarge,
    bytesRead: tally.bytesRead,
    bytesWritten: tally.bytesWritten
  }))
