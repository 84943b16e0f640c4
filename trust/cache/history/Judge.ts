/**
 * Holds what the readers got against what the writers were told. Pure, and linear in the number of events.
 *
 * - I1: no value that was not committed: not the poison of a transaction that rolled back, not a version before its
 *   COMMIT was sent, not one that the table never had.
 * - I2: no value older than what was acknowledged to the reader's own process before the read was invoked.
 * - I3: no value older than what was acknowledged to anyone `boundMs` before the read was invoked; 0 where it was
 *   `strong`; and never older than the transaction that it was to come `after`.
 * - I4: values that are always written together are equal.
 * - I5: when a read has returned what its own process had written, no read that is invoked later returns less.
 */
import { type Group, keyCount, keyOf, queries } from "./Layout.ts"
import { type Event, queryOf, type Read, type Write } from "./Log.ts"

export type Invariant = "I1" | "I2" | "I3" | "I4" | "I5"
export const invariants: ReadonlyArray<Invariant> = ["I1", "I2", "I3", "I4", "I5"]

export interface Violation {
  readonly invariant: Invariant
  readonly read: Read
  readonly version: number
  /** By how much it was too old, where that can be said. */
  readonly byMs: number
}

export interface Verdict {
  readonly reads: number
  readonly strongReads: number
  readonly afterReads: number
  readonly writes: number
  readonly violations: Readonly<Record<Invariant, number>>
  /** Some of them, for whoever has to find the mistake. */
  readonly examples: ReadonlyArray<Violation>
  /** Reads whose value was older than an acknowledged one by anything at all. */
  readonly staleReads: number
  /** The oldest value that was returned: for how long a newer one had been acknowledged to somebody. */
  readonly worstStalenessMs: number
  /** The same of the strong reads. */
  readonly worstStrongStalenessMs: number
}

export interface JudgeOptions {
  readonly boundMs: number
  /** The version of each key in the table, when the run has ended; without it a version too high is not noticed. */
  readonly final?: ReadonlyArray<number>
}

const shownAtMost = 8

/** For each version the earliest time at which it or a later one was known; index 0 is version 0. */
class Earliest {
  private readonly times: Array<number> = []

  note(version: number, time: number): void {
    const { times } = this
    while (times.length <= version) times.push(Number.POSITIVE_INFINITY)
    if (version >= 0 && time < times[version]!) times[version] = time
  }

  /** Spreads each time to the versions below; call it once, before `above`. */
  settle(): this {
    for (let i = this.times.length - 2; i >= 0; i--) this.times[i] = Math.min(this.times[i]!, this.times[i + 1]!)
    return this
  }

  /** When the first version above this one was known. */
  above(version: number): number {
    return this.times[Math.max(0, version + 1)] ?? Number.POSITIVE_INFINITY
  }
}

const perKey = <A>(make: () => A): ReadonlyArray<A> => Array.from({ length: keyCount }, make)

/** By process, and in that by key. */
class ByProcess {
  private readonly found = new Map<number, ReadonlyArray<Earliest>>()

  of(process: number): ReadonlyArray<Earliest> {
    let known = this.found.get(process)
    if (known === undefined) this.found.set(process, known = perKey(() => new Earliest()))
    return known
  }

  settle(): this {
    for (const keys of this.found.values()) for (const earliest of keys) earliest.settle()
    return this
  }
}

/** What the writers know of the versions. */
const writersOf = (writes: ReadonlyArray<Write>) => {
  const toAnyone = perKey(() => new Earliest())
  const toProcess = new ByProcess()
  const sent = perKey(() => new Map<number, number>())
  /** The process that was told of the version. */
  const author = perKey(() => new Map<number, number>())
  for (const { acked, key, process, sent: at, version } of writes) {
    // A version whose writer heard nothing may be made again by the next one: the first of them counts.
    sent[key]!.set(version, Math.min(at, sent[key]!.get(version) ?? Number.POSITIVE_INFINITY))
    if (acked === Number.POSITIVE_INFINITY) continue
    toAnyone[key]!.note(version, acked)
    toProcess.of(process)[key]!.note(version, acked)
    author[key]!.set(version, process)
  }
  for (const earliest of toAnyone) earliest.settle()
  return { toAnyone, toProcess: toProcess.settle(), sent, author }
}

const valuesOf = (read: Read): ReadonlyArray<readonly [group: Group, version: number]> => {
  const [first, second] = queries[queryOf(read)].values
  return second === undefined ? [[first, read.first]] : [[first, read.first], [second, read.second]]
}

export const judge = (events: ReadonlyArray<Event>, { boundMs, final }: JudgeOptions): Verdict => {
  const writes = events.filter((event) => event.is === "write")
  const reads = events.filter((event) => event.is === "read")
  const { author, sent, toAnyone, toProcess } = writersOf(writes)

  const seen = new ByProcess()
  for (const read of reads) {
    for (const [group, version] of valuesOf(read)) {
      const key = keyOf(group, read.row)
      if (author[key]!.get(version) === read.process) seen.of(read.process)[key]!.note(version, read.completed)
    }
  }
  seen.settle()

  const violations: Record<Invariant, number> = { I1: 0, I2: 0, I3: 0, I4: 0, I5: 0 }
  const examples: Array<Violation> = []
  let staleReads = 0
  let worst = 0
  let worstStrong = 0
  for (const read of reads) {
    const flaws = new Map<Invariant, readonly [version: number, byMs: number]>()
    const flaw = (invariant: Invariant, version: number, byMs: number) => {
      if (byMs > (flaws.get(invariant)?.[1] ?? -1)) flaws.set(invariant, [version, byMs])
    }
    let stalest = 0
    const values = valuesOf(read)
    for (const [group, version] of values) {
      const key = keyOf(group, read.row)
      const isImpossible = !Number.isInteger(version) || version < 0 ||
        (final !== undefined && version > final[key]!) ||
        (version > 0 && read.completed < (sent[key]!.get(version) ?? Number.NEGATIVE_INFINITY))
      if (isImpossible) {
        flaw("I1", version, 0)
        continue
      }
      const own = read.invoked - toProcess.of(read.process)[key]!.above(version)
      if (own > 0) flaw("I2", version, own)
      const staleness = read.invoked - toAnyone[key]!.above(version)
      stalest = Math.max(stalest, staleness)
      const over = staleness - (read.isStrong ? 0 : boundMs)
      if (over > 0) flaw("I3", version, over)
      const taken = read.invoked - seen.of(read.process)[key]!.above(version)
      if (taken > 0) flaw("I5", version, taken)
    }
    if (read.after >= 0 && read.after > read.first) flaw("I3", read.first, 0)
    const [one, other] = values
    if (one !== undefined && other !== undefined && one[0] === other[0] && one[1] !== other[1]) {
      flaw("I4", other[1], 0)
    }
    if (stalest > 0) staleReads++
    worst = Math.max(worst, stalest)
    if (read.isStrong) worstStrong = Math.max(worstStrong, stalest)
    for (const [invariant, [version, byMs]] of flaws) {
      violations[invariant]++
      if (examples.filter((one) => one.invariant === invariant).length < shownAtMost) {
        examples.push({ invariant, read, version, byMs })
      }
    }
  }
  return {
    reads: reads.length,
    strongReads: reads.filter((read) => read.isStrong).length,
    afterReads: reads.filter((read) => read.after >= 0).length,
    writes: writes.filter((write) => write.acked < Number.POSITIVE_INFINITY).length,
    violations,
    examples,
    staleReads,
    worstStalenessMs: worst,
    worstStrongStalenessMs: worstStrong
  }
}

export const totalOf = ({ violations }: Verdict): number =>
  invariants.reduce((sum, invariant) => sum + violations[invariant], 0)
