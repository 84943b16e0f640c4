/**
 * Deterministic simulation: the whole data layer above the socket, a simulated network and a real Postgres in one
 * process, in virtual time. A seed decides everything that happens.
 */
import { createHash } from "node:crypto"
import type { Options } from "../options.ts"
import type { SuiteResult } from "../suites.ts"
import { Backend } from "./Backend.ts"
import { generate, leastOperations } from "./generate.ts"
import { keep, regressions } from "./Regressions.ts"
import { type Result, run } from "./Run.ts"
import type { Scenario } from "./Scenario.ts"
import { shrink } from "./shrink.ts"
import { Totals } from "./Totals.ts"

const seedCounts = { quick: 150, full: 2000 }

/** Every so many seeds, one runs twice. */
const repeatEvery = 10

/** A flaw without the places and times in it: what two seeds with the same mistake have in common. */
const kindOf = (flaw: string): string => flaw.replace(/\bo\d+(\.\w+)?/g, "o").replaceAll(/-?\d+/g, "#")

/** More kinds than these are only counted: each takes a while to shrink. */
const shownAtMost = 6

/** A smaller scenario with the same kind of flaw: another mistake must not take its place. */
const shrunk = (backend: Backend, scenario: Scenario, { flaws }: Result) => {
  const kind = kindOf(flaws[0] ?? "")
  return shrink(
    scenario,
    async (candidate) => (await run(backend, candidate)).flaws.some((flaw) => kindOf(flaw) === kind)
  )
}

const report = async (backend: Backend, scenario: Scenario, result: Result): Promise<void> => {
  const small = await shrunk(backend, scenario, result)
  const last = await run(backend, small)
  const file = keep({ flaws: last.flaws, scenario: small })
  console.log(`  shrunk to ${small.operations.length} operations and ${small.faults.length} faults: ${file}`)
  for (const line of last.trace) console.log(`    ${line}`)
}

/** What was found before must not come back. Gives how many did. */
const replay = async (backend: Backend): Promise<{ readonly count: number; readonly failed: number }> => {
  const kept = regressions()
  let failed = 0
  for (const [name, { scenario }] of kept) {
    const { flaws } = await run(backend, scenario)
    if (flaws.length === 0) continue
    failed++
    console.log(`regression ${name}: ${flaws.join("; ")}`)
  }
  return { count: kept.size, failed }
}

export const suite = async (options: Options): Promise<SuiteResult> => {
  const started = performance.now()
  const backend = await Backend.boot()
  const count = options.seeds ?? (options.quick ? seedCounts.quick : seedCounts.full)
  const totals = new Totals()
  // The same on every machine and runtime, if everything is decided by the seeds.
  const digest = createHash("sha256")
  const shown = new Set<string>()
  let failed = 0
  let repeated = 0
  let differing = 0
  try {
    const replayed = await replay(backend)
    for (let seed = options.seed; seed < options.seed + count; seed++) {
      const scenario = generate(seed)
      const result = await run(backend, scenario)
      totals.add(scenario, result)
      digest.update(result.hash)
      if (options.verbose) { for (const line of result.trace) console.log(line) }
      if (seed % repeatEvery === 0 || result.flaws.length > 0) {
        repeated++
        if ((await run(backend, scenario)).hash !== result.hash) {
          differing++
          console.log(`seed ${seed}: two runs, two traces`)
        }
      }
      if (result.flaws.length === 0) continue
      failed++
      console.log(`seed ${seed}: ${result.flaws.join("; ")}\n  pnpm trust simulation --seed ${seed} --seeds 1`)
      const kind = kindOf(result.flaws[0] ?? "")
      if (shown.has(kind) || shown.size >= shownAtMost) continue
      shown.add(kind)
      await report(backend, scenario, result)
    }
    const vacuous = totals.vacuous(leastOperations)
    for (const problem of vacuous) console.log(`simulation: nothing is shown by it: ${problem}`)
    const seconds = Math.round((performance.now() - started) / 100) / 10
    console.log(
      `simulation: ${count} seeds from ${options.seed} in ${seconds} s, ${failed} failed; ${totals.operations} operations, ` +
        `${totals.acknowledged} acknowledged, ${totals.unknown} unknown, ${totals.interrupted} interrupted; ` +
        `${repeated} ran twice, ${differing} differed; ${replayed.count} regressions, ${replayed.failed} came back`
    )
    return {
      passed: failed + differing + replayed.failed + vacuous.length === 0,
      json: {
        simulation: {
          seeds: count,
          failed,
          firstSeed: options.seed,
          ...totals.json,
          ranTwice: repeated,
          differed: differing,
          digest: digest.digest("hex").slice(0, 16),
          regressions: replayed,
          seconds
        }
      }
    }
  } finally {
    await backend.close()
  }
}
