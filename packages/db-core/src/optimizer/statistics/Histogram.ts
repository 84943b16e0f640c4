/**
 * How long statements took, as counts in buckets of growing width: adding is integer work on a typed array, and
 * histograms add up, which averages and stored quantiles do not.
 *
 * Log-linear, as HdrHistogram: below 16 µs a bucket for each microsecond, above 16 buckets for each doubling. A bucket
 * is at most 1/16 of its values wide and is reported by the value that is off by the least at both its ends, so a
 * quantile is off by at most 3.1 %, below 16 µs by at most half a microsecond. From 2^32 µs (72 minutes) on everything
 * is in the last bucket.
 */

const perOctave = 16

const longest = 2 ** 32 - 1

/** Of the bucket `at` in an octave. Octave 0 is everything below 16 µs, octave 1 begins there. */
const valueOf = (octave: number, at: number): number => {
  if (octave === 0) return at + 0.5
  const width = 2 ** (octave - 1)
  const low = (perOctave + at) * width
  const high = low + width
  return (2 * low * high) / (low + high)
}

/** What two bytes hold. */
const short = 65_535

type Counts = Uint16Array | Uint32Array

const empty = new Uint16Array(0)

const octaves = (counts: Counts): number => counts.length / perOctave

export class Histogram {
  /**
   * Counts of the octaves from `first` on. Most statements need few of them, and few counts are high, so no more is
   * allocated: 5,000 queries have 13 of these each.
   */
  private counts: Counts = empty
  private first = 0

  /** Adds one value, in whole microseconds. */
  record(microseconds: number): void {
    const us = microseconds < longest ? microseconds >>> 0 : longest
    const octave = us < perOctave ? 0 : 28 - Math.clz32(us)
    const at = octave === 0 ? us : (us >>> (octave - 1)) - perOctave
    const { counts } = this
    const index = (octave - this.first) * perOctave + at
    if (octave < this.first || index >= counts.length || counts[index] === short) this.grow(octave, at)
    else counts[index]!++
  }

  add({ counts, first }: Histogram): void {
    if (counts.length === 0) return
    this.cover(first, first + octaves(counts) - 1)
    const offset = (first - this.first) * perOctave
    for (let at = 0; at < counts.length; at++) {
      if (this.counts[offset + at]! + counts[at]! > short) this.widen()
      this.counts[offset + at]! += counts[at]!
    }
  }

  clear(): void {
    this.counts.fill(0)
  }

  get count(): number {
    let sum = 0
    for (const n of this.counts) sum += n
    return sum
  }

  /** The value below which `q` of all values lie, 0 < q <= 1, in microseconds; 0 when there are none. */
  quantile(q: number): number {
    const { counts, first } = this
    const rank = Math.max(1, Math.ceil(q * this.count))
    let seen = 0
    for (let at = 0; at < counts.length; at++) {
      seen += counts[at]!
      if (seen >= rank) return valueOf(first + Math.floor(at / perOctave), at % perOctave)
    }
    return 0
  }

  /** Out of the hot path. */
  private grow(octave: number, at: number): void {
    this.cover(octave, octave)
    const index = (octave - this.first) * perOctave + at
    if (this.counts[index] === short) this.widen()
    this.counts[index]!++
  }

  private cover(from: number, to: number): void {
    const { counts, first } = this
    const last = first + octaves(counts) - 1
    if (counts.length > 0 && from >= first && to <= last) return
    const low = counts.length === 0 ? from : Math.min(from, first)
    const length = ((counts.length === 0 ? to : Math.max(to, last)) - low + 1) * perOctave
    const grown = counts instanceof Uint32Array ? new Uint32Array(length) : new Uint16Array(length)
    if (counts.length > 0) grown.set(counts, (first - low) * perOctave)
    this.first = low
    this.counts = grown
  }

  private widen(): void {
    if (this.counts instanceof Uint16Array) this.counts = new Uint32Array(this.counts)
  }
}
