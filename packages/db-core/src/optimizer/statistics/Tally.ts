/** What is counted of one query in one stretch of time. */
import { Histogram } from "./Histogram.ts"

export class Tally {
  /** Finished at the server or on the way there, failures included. */
  calls = 0
  /** Failed before a connection had them; not among `calls`. */
  unsent = 0
  rows = 0
  /** Those of `unsent` too. */
  errors = 0
  slow = 0
  totalUs = 0
  maxUs = 0
  /** Answered by the cache: not among `calls`. */
  hits = 0
  misses = 0
  bypasses = 0
  readonly durations = new Histogram()

  record(us: number, rows: number, isError: boolean, isSlow: boolean): void {
    this.calls++
    this.rows += rows
    if (isError) this.errors++
    if (isSlow) this.slow++
    this.totalUs += us
    if (us > this.maxUs) this.maxUs = us
    this.durations.record(us)
  }

  add(other: Tally): void {
    this.addCounts(other)
    this.durations.add(other.durations)
  }

  /** All but the durations, which are most of the work. */
  addCounts(other: Tally): void {
    this.calls += other.calls
    this.unsent += other.unsent
    this.rows += other.rows
    this.errors += other.errors
    this.slow += other.slow
    this.totalUs += other.totalUs
    this.maxUs = Math.max(this.maxUs, other.maxUs)
    this.hits += other.hits
    this.misses += other.misses
    this.bypasses += other.bypasses
  }

  clear(): void {
    this.calls =
      this.unsent =
      this.rows =
      this.errors =
      this.slow =
      this.totalUs =
      this.maxUs =
        0
    this.hits = this.misses = this.bypasses = 0
    this.durations.clear()
  }
}
