/** When the event loop of this process stood still. */

const tickMs = 10

/** How many are remembered: those of the last seconds matter. */
const remembered = 1000

export class Stalls {
  private ticked = performance.now()
  private spans: Array<readonly [from: number, to: number]> = []
  /** The longest since `reset`. */
  longestMs = 0

  constructor() {
    setInterval(() => this.tick(), tickMs)
  }

  reset(): void {
    this.longestMs = 0
    this.spans = []
  }

  /** How long it stood still between two times of `performance.now`. */
  between(from: number, to: number): number {
    // The tick that is due may come after whoever asks.
    this.tick()
    return this.spans.reduce(
      (sum, [begin, end]) => sum + Math.max(0, Math.min(end, to) - Math.max(begin, from)),
      0
    )
  }

  private tick(): void {
    const now = performance.now()
    const due = this.ticked + tickMs
    if (now > due) {
      this.longestMs = Math.max(this.longestMs, now - due)
      this.spans.push([due, now])
      if (this.spans.length > remembered) this.spans.shift()
    }
    this.ticked = now
  }
}
