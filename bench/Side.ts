/** One contender: the same work, done by one library. */
export interface Side {
  readonly name: string
  /** Runs the work with `callers` at once until `until` (`performance.now`), and says how often it was done. */
  readonly run: (callers: number, until: number) => Promise<number>
  readonly close: () => Promise<void>
}

export interface Measured {
  readonly name: string
  /** Operations per second, one figure per round. */
  readonly rounds: ReadonlyArray<number>
  readonly median: number
  /** The longest the event loop was held up, over all rounds, in milliseconds; not of a process that is asked from outside. */
  readonly stallMs?: number
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Measures the sides in turn, A B A B …, after one short warm-up each, so that a drifting machine hits all alike. */
export const measure = async (
  sides: ReadonlyArray<Side>,
  options: { readonly callers: number; readonly rounds: number; readonly seconds: number }
): Promise<ReadonlyArray<Measured>> => {
  const figures = sides.map(() => [] as Array<number>)
  const stalls = sides.map(() => 0)
  for (const side of sides) await side.run(options.callers, performance.now() + 500)
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, side] of sides.entries()) {
      let last = performance.now()
      const ticker = setInterval(() => {
        const now = performance.now()
        stalls[index] = Math.max(stalls[index]!, now - last - 10)
        last = now
      }, 10)
      const started = performance.now()
      const done = await side.run(options.callers, started + options.seconds * 1000)
      figures[index]!.push(done / ((performance.now() - started) / 1000))
      clearInterval(ticker)
    }
  }
  return sides.map((side, index) => ({
    name: side.name,
    rounds: figures[index]!,
    median: median(figures[index]!),
    stallMs: stalls[index]!
  }))
}

/**
 * How many times `theirs` one side does: the median of the rounds' own ratios. The sides of a round were measured one
 * after the other, so what else the machine was busy with then falls out.
 */
export const ratioOf = (ours: Measured, theirs: Measured): number =>
  median(ours.rounds.map((figure, round) => figure / theirs.rounds[round]!))
