/** The histories of a run: under which load and faults each of them goes, all on one server. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { Cluster } from "../Cluster.ts"
import type { Options } from "../options.ts"
import type { CacheContenderName } from "./history/Contender.ts"
import { type HistoryResult, runHistory, type WindowResult } from "./history/HistoryRun.ts"
import { totalOf, type Verdict } from "./history/Judge.ts"
import type { Mutant } from "./history/Mutants.ts"
import type { AppLoad, OutsiderLoad } from "./history/Protocol.ts"
import {
  ackDelay,
  feedCut,
  feedHole,
  janitor,
  janitorRush,
  killed,
  logLost,
  quiet,
  stopped,
  stoppedWhileSwept,
  together,
  warmUp,
  type Window
} from "./history/Windows.ts"

export const ours: CacheContenderName = "ems"

/** L of the histories, the default of `DbConfig.cacheStaleness`. Milliseconds. */
export const boundMs = 500

const load: AppLoad = {
  readers: 8,
  strongReaders: 0,
  afterShare: 0.1,
  slowShare: 0,
  burst: 8,
  readPauseMs: 14,
  writePauseMs: 300
}

/** None, half and a quarter of the readers are strong; the last one is behind a pooler. */
const apps: ReadonlyArray<AppLoad> = [load, { ...load, strongReaders: 4 }, { ...load, strongReaders: 2 }]

/** What the peers do not know is not asked of them. */
const plainApps = apps.map((app): AppLoad => ({ ...app, strongReaders: 0, afterShare: 0 }))

const outsider: OutsiderLoad = { writePauseMs: 10, longMs: 600 }

export const full = {
  windows: [
    warmUp(1500),
    quiet(5000),
    feedHole,
    quiet(4000),
    feedCut,
    quiet(4000),
    logLost(4),
    quiet(2000),
    janitor(3000),
    janitorRush(1000),
    ackDelay(3, 4000),
    stopped,
    quiet(4000),
    stoppedWhileSwept,
    killed,
    quiet(4000),
    together(5000)
  ],
  reads: 500_000,
  againMs: 480_000
}

/** One of the kinds of fault that need no restart. */
export const quick: { readonly windows: ReadonlyArray<Window>; readonly reads: number } = {
  windows: [warmUp(900), quiet(1200), feedHole, logLost(1), ackDelay(3, 700)],
  reads: 5000
}

/** Of a peer. Milliseconds. */
const peerMs = { full: 8000, quick: 700 }

/** A second bound, little more than the time between two polls. Milliseconds. */
export const tightBoundMs = 200

/** Each mutant has to be found within this time. */
const mutantMs = 60_000

/** The same load without the mutant has to be clean for so long. */
const controlMs = 6000

export interface MutantRun {
  readonly mutant: string
  readonly seed: number
  readonly caught: boolean
  readonly seconds: number
  readonly reads: number
  readonly violations: Verdict["violations"]
}

export class Histories {
  private readonly cluster: Cluster
  private readonly options: Options
  private readonly onWindow: ((window: WindowResult) => void) | undefined
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), "ems-trust-cache-"))
  private made = 0

  constructor(cluster: Cluster, options: Options, onWindow?: (window: WindowResult) => void) {
    this.cluster = cluster
    this.options = options
    this.onWindow = onWindow
  }

  private get common() {
    return { cluster: this.cluster, boundMs, directory: this.directory, database: `history${++this.made}` }
  }

  ours(): Promise<HistoryResult> {
    const plan = this.options.quick ? { ...quick, againMs: 0 } : full
    return runHistory({
      ...this.common,
      contender: ours,
      seed: this.options.seed,
      apps,
      outsider,
      windows: plan.windows,
      leastReads: plan.reads,
      againMs: plan.againMs,
      pooler: true,
      ...this.onWindow === undefined ? {} : { onWindow: this.onWindow }
    })
  }

  tight(): Promise<HistoryResult> {
    return runHistory({
      ...this.common,
      boundMs: tightBoundMs,
      contender: ours,
      seed: this.options.seed,
      apps,
      outsider,
      windows: [quiet(8000), feedHole, ackDelay(3, 2000), together(5000)],
      pooler: true
    })
  }

  peer(contender: CacheContenderName): Promise<HistoryResult> {
    return runHistory({
      ...this.common,
      contender,
      seed: this.options.seed,
      // Without a cache everything is strong.
      apps: contender === "no cache" ? apps : plainApps,
      outsider,
      windows: [quiet(this.options.quick ? peerMs.quick : peerMs.full)],
      pooler: false
    })
  }

  /** Under the load of a mutant, without it. */
  async control({ load }: Mutant): Promise<Verdict> {
    const { verdict } = await runHistory({
      ...this.common,
      ...load,
      contender: ours,
      seed: this.options.seed,
      pooler: false,
      untilViolatedMs: controlMs
    })
    return verdict
  }

  async mutant({ load, name, patch }: Mutant, seed: number): Promise<MutantRun> {
    const { seconds, verdict } = await runHistory({
      ...this.common,
      ...load,
      contender: ours,
      seed,
      patch,
      pooler: false,
      untilViolatedMs: mutantMs
    })
    return {
      mutant: name,
      seed,
      caught: totalOf(verdict) > 0,
      seconds,
      reads: verdict.reads,
      violations: verdict.violations
    }
  }
}
