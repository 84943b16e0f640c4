/** What a history must show besides having no violations: a cache that hardly answers is never wrong. Pure. */
import type { HistoryResult, WindowResult } from "./HistoryRun.ts"
import { invariants, totalOf } from "./Judge.ts"

export interface Requirements {
  readonly reads: number
  readonly writesPerSecond: number
  /** Share of the reads that the cache answered while nothing was broken. */
  readonly quietHitRatio: number
  /** The same of the whole run. */
  readonly hitRatio: number
}

export const always = { writesPerSecond: 50, quietHitRatio: 0.5, hitRatio: 0.2 }

export interface Figures {
  readonly violations: number
  readonly writesPerSecond: number
  readonly quietHitRatio: number
  readonly hitRatio: number
}

const ratioOf = (windows: ReadonlyArray<WindowResult>): number => {
  const reads = windows.reduce((sum, window) => sum + window.reads, 0)
  return reads === 0 ? 0 : windows.reduce((sum, window) => sum + window.hits, 0) / reads
}

export const figuresOf = ({ seconds, verdict, windows }: HistoryResult): Figures => ({
  violations: totalOf(verdict),
  writesPerSecond: verdict.writes / seconds,
  quietHitRatio: ratioOf(windows.filter(({ isQuiet }) => isQuiet)),
  hitRatio: ratioOf(windows)
})

const percent = (share: number): string => `${Math.round(share * 100)} %`

/** Why a run does not pass; nothing where it does. */
export const problemsOf = (result: HistoryResult, required: Requirements): ReadonlyArray<string> => {
  const { unhandled, verdict, windows } = result
  const { hitRatio, quietHitRatio, writesPerSecond } = figuresOf(result)
  const hiding = (fails: boolean, text: string) => fails ? [text] : []
  return [
    ...invariants.filter((invariant) => verdict.violations[invariant] > 0).map((invariant) =>
      `${invariant} is violated by ${verdict.violations[invariant]} reads`
    ),
    ...hiding(verdict.reads < required.reads, `${verdict.reads} reads, fewer than ${required.reads}`),
    ...hiding(
      writesPerSecond < required.writesPerSecond,
      `${writesPerSecond.toFixed(1)} writes/s, fewer than ${required.writesPerSecond}`
    ),
    ...hiding(
      quietHitRatio < required.quietHitRatio,
      `hit ratio ${percent(quietHitRatio)} while nothing was broken, less than ${percent(required.quietHitRatio)}`
    ),
    ...hiding(
      hitRatio < required.hitRatio,
      `hit ratio ${percent(hitRatio)}, less than ${percent(required.hitRatio)}`
    ),
    ...windows.filter(({ leastBypasses, losesFeed }) => losesFeed && leastBypasses === 0).map(({ name }) =>
      `no bypass of a process in the window "${name}"`
    ),
    ...hiding(verdict.strongReads === 0, "no strong read"),
    ...hiding(verdict.afterReads === 0, "no read after a transaction"),
    ...unhandled.map((text) => `unhandled: ${text}`)
  ]
}
