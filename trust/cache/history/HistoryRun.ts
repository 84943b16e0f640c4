/** One history: its processes are started, play their windows, and what they saw is judged. */
import { withClient } from "@ems/db-testing/Admin"
import * as fs from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import type { Cluster } from "../../Cluster.ts"
import type { CacheContenderName } from "./Contender.ts"
import { startStage } from "./HistoryStage.ts"
import { judge, totalOf, type Verdict } from "./Judge.ts"
import { finalVersions, keyCount } from "./Layout.ts"
import { readLog } from "./Log.ts"
import type { Patch } from "./Mutant.ts"
import type { AppLoad, OutsiderLoad, Report } from "./Protocol.ts"
import type { Window } from "./Windows.ts"

export interface HistoryOptions {
  readonly cluster: Cluster
  /** Of the database that is made for it. */
  readonly database: string
  readonly contender: CacheContenderName
  readonly seed: number
  readonly boundMs: number
  /** One for each process. */
  readonly apps: ReadonlyArray<AppLoad>
  readonly outsider: OutsiderLoad
  readonly windows: ReadonlyArray<Window>
  /** The last of them reaches the server through a PgBouncer, where the machine has one. */
  readonly pooler: boolean
  /** Acknowledgements are late from the beginning; 0 for not. */
  readonly ackDelayMs?: number
  readonly patch?: Patch | undefined
  /** The windows are played again and again until something is violated, for at most so long. */
  readonly untilViolatedMs?: number
  /** The windows are played again until there are so many reads, but not begun again after `againMs`. */
  readonly leastReads?: number
  readonly againMs?: number
  readonly directory: string
  readonly onWindow?: (window: WindowResult) => void
}

/** The sum over the processes with a cache, in a window. */
export interface WindowResult {
  readonly name: string
  readonly isQuiet: boolean
  readonly losesFeed: boolean
  readonly ms: number
  readonly reads: number
  readonly hits: number
  readonly bypasses: number
  /** Of the process with the fewest of them. */
  readonly leastBypasses: number
}

export interface HistoryResult {
  readonly verdict: Verdict
  readonly windows: ReadonlyArray<WindowResult>
  readonly seconds: number
  readonly errors: Readonly<Record<string, number>>
  readonly unhandled: ReadonlyArray<string>
  readonly pooler: boolean
  readonly faults: Readonly<Record<"feeds" | "faults" | "delayed", number>>
  readonly detail: ReadonlyArray<unknown>
}

const nothing: Report = {
  counts: { hits: 0, misses: 0, bypasses: 0 },
  reads: 0,
  writes: 0,
  errors: {},
  unhandled: []
}

const windowResult = (
  { isQuiet = false, losesFeed = false, name }: Window,
  ms: number,
  before: ReadonlyArray<Report>,
  after: ReadonlyArray<Report>
): WindowResult => {
  const each = (of: (report: Report) => number) =>
    after.map((report, index) => of(report) - of(before[index] ?? nothing))
  const sum = (of: (report: Report) => number) => each(of).reduce((total, one) => total + one, 0)
  return {
    name,
    isQuiet,
    losesFeed,
    ms: Math.round(ms),
    reads: sum(({ reads }) => reads),
    hits: sum(({ counts }) => counts.hits),
    bypasses: sum(({ counts }) => counts.bypasses),
    leastBypasses: Math.min(...each(({ counts }) => counts.bypasses))
  }
}

/** The version of each key in the tables. */
const versionsOf = (url: string): Promise<ReadonlyArray<number>> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ readonly key: number; readonly version: number }>(finalVersions)
    const found = Array.from({ length: keyCount }, () => 0)
    for (const { key, version } of rows) found[key] = version
    return found
  })

export const runHistory = async (options: HistoryOptions): Promise<HistoryResult> => {
  const { boundMs } = options
  const stage = await startStage(options)
  const { logs, outsider, scene } = stage
  const { apps, proxies, url } = scene
  try {
    const windows: Array<WindowResult> = []
    const judged = (final?: ReadonlyArray<number>): Verdict =>
      judge(logs.flatMap((log) => fs.existsSync(log) ? readLog(log) : []), {
        boundMs,
        ...final === undefined ? {} : { final }
      })
    const started = performance.now()
    let before: ReadonlyArray<Report> = apps.map(() => nothing)
    const isOver = async (round: number): Promise<boolean> => {
      if (options.untilViolatedMs === undefined) {
        if (round === 0 || round % options.windows.length > 0) return false
        const reads = windows.reduce((sum, window) => sum + window.reads, 0)
        return reads >= (options.leastReads ?? 0) || performance.now() - started > (options.againMs ?? 0)
      }
      if (performance.now() - started > options.untilViolatedMs) return true
      if (round === 0) return false
      await outsider.ask({ do: "report" })
      return totalOf(judged()) > 0
    }
    for (let round = 0; !await isOver(round); round++) {
      const window = options.windows[round % options.windows.length]!
      const from = performance.now()
      await window.play(scene)
      const after = await Promise.all(apps.map((app) => app.report()))
      const result = windowResult(window, performance.now() - from, before, after)
      windows.push(result)
      options.onWindow?.(result)
      before = after
    }
    const seconds = (performance.now() - started) / 1000
    await Promise.all([...apps, outsider].map((app) => app.ask({ do: "stop" }, 30_000)))
    const reports = await Promise.all([...apps, outsider].map((app) => app.report()))
    // A statement whose caller has given up may still run.
    await sleep(50)
    const verdict = judged(await versionsOf(url))
    await Promise.all([...apps, outsider].map((app) => app.ask({ do: "close" }, 15_000)))

    const errors: Record<string, number> = {}
    for (const report of reports) {
      for (const [code, count] of Object.entries(report.errors)) errors[code] = (errors[code] ?? 0) + count
    }
    const stats = (of: "feeds" | "faults" | "delayed") => proxies.reduce((sum, proxy) => sum + proxy.stats[of], 0)
    return {
      verdict,
      windows,
      seconds,
      errors,
      unhandled: reports.flatMap(({ unhandled }) => unhandled),
      pooler: stage.pooler,
      faults: { feeds: stats("feeds"), faults: stats("faults"), delayed: stats("delayed") },
      detail: reports.map(({ counts }) => counts.detail)
    }
  } finally {
    await stage.close()
  }
}
