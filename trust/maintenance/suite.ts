/** `pnpm trust maintenance`: runs and migrations that are ended early, or at once with others. */
import { Cluster } from "../Cluster.ts"
import type { Options } from "../options.ts"
import { random } from "../random.ts"
import type { SuiteResult } from "../suites.ts"
import type { Case } from "./Case.ts"
import { killCases } from "./killCases.ts"
import { migratorCases } from "./migratorCases.ts"
import { runnerCases } from "./runnerCases.ts"
import { Stage } from "./Stage.ts"

export const cases: ReadonlyArray<Case> = [...killCases, ...runnerCases, ...migratorCases]

const runCase = async (cluster: Cluster, one: Case, options: Options): Promise<ReadonlyArray<string>> => {
  const stage = await Stage.open(cluster, `case_${one.id}`, random(options.seed), options.quick)
  try {
    return await one.run(stage)
  } catch (error) {
    return [`it could not be played: ${error instanceof Error ? error.message : String(error)}`]
  } finally {
    await stage.end()
  }
}

export const maintenanceSuite = async (options: Options): Promise<SuiteResult> => {
  const chosen = cases.filter(({ id, quick }) =>
    options.only.length > 0 ? options.only.includes(id) : !options.quick || quick
  )
  if (chosen.length === 0) return { passed: true, json: {} }
  const results: Array<{ readonly id: string; readonly name: string; readonly problems: ReadonlyArray<string> }> = []
  const cluster = await Cluster.start()
  try {
    for (const one of chosen) {
      const began = performance.now()
      const problems = await runCase(cluster, one, options)
      results.push({ id: one.id, name: one.name, problems })
      console.log(
        `${one.id.padEnd(4)} ${problems.length === 0 ? "ok    " : "BROKEN"} ${
          ((performance.now() - began) / 1000).toFixed(1).padStart(6)
        } s  ${one.name}`
      )
      for (const problem of problems) console.error(`     ${problem}`)
    }
  } finally {
    await cluster.end()
  }
  const broken = results.filter(({ problems }) => problems.length > 0).length
  console.log(`maintenance: ${results.length} cases, ${broken} broken`)
  return { passed: broken === 0, json: { maintenance: { cases: results.length, broken, results } } }
}
