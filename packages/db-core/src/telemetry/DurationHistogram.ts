/** How long something takes, counted in the buckets of an OpenTelemetry histogram. */
import type { Counted } from "./PublishedMetric.ts"

export class DurationHistogram implements Counted {
  readonly counts: Float64Array
  sum = 0
  min = Number.MAX_VALUE
  max = -Number.MAX_VALUE
  private readonly milliseconds: ReadonlyArray<number>

  /** `boundaries` in seconds, from the smallest up. */
  constructor(boundaries: ReadonlyArray<number>) {
    this.milliseconds = boundaries.map((seconds) => seconds * 1000)
    this.counts = new Float64Array(boundaries.length + 1)
  }

  record(ms: number): void {
    let at = 0
    while (at < this.milliseconds.length && ms > this.milliseconds[at]!) at++
    this.counts[at]!++
    const seconds = ms / 1000
    this.sum += seconds
    if (seconds < this.min) this.min = seconds
    if (seconds > this.max) this.max = seconds
  }
}
