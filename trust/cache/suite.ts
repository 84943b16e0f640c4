/**
 * `pnpm trust cache`: random histories of the query cache under faults, the same of its peers, mistakes planted in it
 * that have to be found, and the cases.
 */
import * as fs from "node:fs"
import { Cluster } from "../Cluster.ts"
import { grouped } from "../markdown.ts"
import type { Options } from "../options.ts"
import type { SuiteResult } from "../suites.ts"
import { caseResults } from "./caseResults.ts"
import { boundMs, full, Histories, type MutantRun, ours, quick, tightBoundMs } from "./Histories.ts"
import { type CacheContenderName, cacheContenders } from "./history/Contender.ts"
import type { HistoryResult, WindowResult } from "./history/HistoryRun.ts"
import { invariants, totalOf } from "./history/Judge.ts"
import { verify } from "./history/Mutant.ts"
import { mutants, mutantSeeds } from "./history/Mutants.ts"
import { always, figuresOf, problemsOf } from "./history/Requirements.ts"

const percent = (share: number): string => `${Math.round(share * 100)} %`

const windowLine = (window: WindowResult): string =>
  `  ${window.name.padEnd(52)}${String(window.ms).padStart(6)} ms ${grouped(window.reads).padStart(8)} reads, hits ${
    percent(window.reads === 0 ? 0 : window.hits / window.reads).padStart(5)
  }, ${window.bypasses} bypasses`

const header = `${"".padEnd(14)}${"reads".padStart(9)}${"writes/s".padStart(10)}${
  invariants.map((name) => name.padStart(8)).join("")
}${"worst ms".padStart(10)}${"hits quiet".padStart(12)}${"all".padStart(7)}`

const line = (name: string, result: HistoryResult): string => {
  const { verdict } = result
  const { hitRatio, quietHitRatio, writesPerSecond } = figuresOf(result)
  return `${name.padEnd(14)}${grouped(verdict.reads).padStart(9)}${writesPerSecond.toFixed(0).padStart(10)}${
    invariants.map((invariant) => grouped(verdict.violations[invariant]).padStart(8)).join("")
  }${verdict.worstStalenessMs.toFixed(0).padStart(10)}${percent(quietHitRatio).padStart(12)}${
    percent(hitRatio).padStart(7)
  }`
}

const figures = (result: HistoryResult) => ({
  reads: result.verdict.reads,
  ...figuresOf(result),
  byInvariant: result.verdict.violations,
  worstStalenessMs: result.verdict.worstStalenessMs,
  staleReads: result.verdict.staleReads,
  seconds: result.seconds
})

/** A checker that finds something where nothing is, or nothing where there must be something, proves nothing. */
const checkerProblems = (peers: ReadonlyMap<CacheContenderName, HistoryResult>): ReadonlyArray<string> =>
  [...peers].flatMap(([name, result]) => {
    const { violations } = figuresOf(result)
    if (name === "no cache") {
      return violations === 0
        ? []
        : [`the checker is broken: ${violations} violations without a cache`]
    }
    return violations > 0 ? [] : [`the checker is broken: it finds nothing in ${name}`]
  })

export const cacheSuite = async (options: Options): Promise<SuiteResult> => {
  // At once: a mutant that cannot be planted would look like one that was found.
  for (const { patch } of mutants) verify(patch)
  const problems: Array<string> = []
  const peers = new Map<CacheContenderName, HistoryResult>()
  const runs: Array<MutantRun> = []
  let controlReads = 0
  let mine: HistoryResult
  let tight: HistoryResult | undefined
  let directory: string
  const cluster = await Cluster.start()
  try {
    const histories = new Histories(
      cluster,
      options,
      options.verbose ? (window) => console.log(windowLine(window)) : undefined
    )
    directory = histories.directory
    console.log(header)
    mine = await histories.ours()
    console.log(line(ours, mine))
    if (!options.quick) {
      tight = await histories.tight()
      console.log(line(`${ours}, L ${tightBoundMs}`, tight))
    }
    for (const name of options.quick ? ["drizzle-0.45" as const] : cacheContenders) {
      if (name === ours) continue
      const result = await histories.peer(name)
      peers.set(name, result)
      console.log(line(name, result))
    }
    for (const mutant of options.quick ? [] : mutants) {
      for (const seed of mutantSeeds) {
        const run = await histories.mutant(mutant, seed)
        runs.push(run)
        const found = invariants.filter((invariant) => run.violations[invariant] > 0).join(" ")
        console.log(
          `mutant ${mutant.name.padEnd(26)} seed ${seed}: ${run.caught ? `found by ${found}` : "NOT FOUND"} after ${
            run.seconds.toFixed(1)
          } s, ${grouped(run.reads)} reads`
        )
      }
    }
    // What is found without a mutant is not found of it.
    const loads = new Map(options.quick ? [] : mutants.map((mutant) => [mutant.load, mutant]))
    for (const mutant of loads.values()) {
      const verdict = await histories.control(mutant)
      controlReads += verdict.reads
      if (totalOf(verdict) > 0) problems.push(`violations under the load of "${mutant.name}", without it`)
    }
    if (loads.size > 0) console.log(`the same loads without a mutant: ${grouped(controlReads)} reads`)
  } finally {
    await cluster.end()
  }
  const { seconds, verdict } = mine
  problems.push(
    ...problemsOf(mine, { ...always, reads: options.quick ? quick.reads : full.reads }),
    ...tight === undefined || totalOf(tight.verdict) === 0 ? [] : [`violations with L = ${tightBoundMs} ms`],
    ...checkerProblems(peers),
    ...runs.filter(({ caught }) => !caught).map(({ mutant, seed }) =>
      `mutant "${mutant}" was not found on seed ${seed}`
    )
  )
  const cases = await caseResults(options)
  problems.push(...cases.problems)
  const caught = mutants.filter(({ name }) =>
    runs.some(({ mutant }) => mutant === name) && runs.every((run) => run.mutant !== name || run.caught)
  )
  console.log(
    `cache: ${grouped(verdict.reads)} reads (${grouped(verdict.strongReads)} strong, ${
      grouped(verdict.afterReads)
    } after a transaction), ${grouped(verdict.writes)} writes in ${seconds.toFixed(0)} s; ${
      figuresOf(mine).violations
    } violations; worst staleness ${verdict.worstStalenessMs.toFixed(0)} ms of ${boundMs} ms, strong ${
      verdict.worstStrongStalenessMs.toFixed(0)
    } ms; ${mine.pooler ? "one process behind PgBouncer" : "no PgBouncer on this machine"}; ${
      options.quick ? `${mutants.length} mutants can be planted` : `${caught.length} of ${mutants.length} mutants found`
    }`
  )
  for (const { byMs, invariant, read, version } of verdict.examples) {
    console.log(`  ${invariant} by ${byMs.toFixed(1)} ms: version ${version} in ${JSON.stringify(read)}`)
  }
  for (const problem of problems) console.error(`cache: ${problem}`)
  const passed = problems.length === 0
  // The logs of a run that failed are what one wants to look at.
  if (passed) fs.rmSync(directory, { recursive: true, force: true })
  else console.log(`logs: ${directory}`)
  return {
    passed,
    json: {
      cache: {
        ...figures(mine),
        boundMs,
        strongReads: verdict.strongReads,
        afterReads: verdict.afterReads,
        worstStrongStalenessMs: verdict.worstStrongStalenessMs,
        pooler: mine.pooler,
        windows: mine.windows,
        errors: mine.errors,
        ...tight === undefined ? {} : { tight: { boundMs: tightBoundMs, ...figures(tight) } },
        peers: Object.fromEntries([...peers].map(([name, result]) => [name, figures(result)])),
        mutantsCaught: caught.length,
        mutants: mutants.length,
        mutantRuns: runs,
        controlReads,
        ...cases.json,
        problems
      }
    }
  }
}
