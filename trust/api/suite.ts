/** `pnpm trust api`: who is let in, what is given away, what breaks it, and what it does when it is asked too much. */
import { Cluster } from "../Cluster.ts"
import type { Options } from "../options.ts"
import { random } from "../random.ts"
import type { SuiteResult } from "../suites.ts"
import { abuseCases } from "./abuseCases.ts"
import { accessCases } from "./accessCases.ts"
import type { Case, Figures, Outcome } from "./Case.ts"
import { loadCases } from "./loadCases.ts"
import { Stage } from "./Stage.ts"

const cases: ReadonlyArray<Case> = [...accessCases, ...abuseCases, ...loadCases]

const none: Figures = {
  requests: 0,
  unexpected5xx: 0,
  leaks: 0,
  authCells: 0,
  authWrong: 0,
  overloadErrorsAfter: 0
}

const sum = (a: Figures, b: Partial<Figures>): Figures => ({
  requests: a.requests + (b.requests ?? 0),
  unexpected5xx: a.unexpected5xx + (b.unexpected5xx ?? 0),
  leaks: a.leaks + (b.leaks ?? 0),
  authCells: a.authCells + (b.authCells ?? 0),
  authWrong: a.authWrong + (b.authWrong ?? 0),
  overloadErrorsAfter: a.overloadErrorsAfter + (b.overloadErrorsAfter ?? 0)
})

const play = async (cluster: Cluster, one: Case, options: Options): Promise<Outcome> => {
  const stage = await Stage.open(cluster, `api_${one.id}`, random(options.seed), options.quick)
  try {
    return await one.run(stage)
  } catch (error) {
    return {
      problems: [`it could not be played: ${error instanceof Error ? error.message : String(error)}`],
      figures: {}
    }
  } finally {
    await stage.end()
  }
}

export const apiSuite = async (options: Options): Promise<SuiteResult> => {
  const chosen = cases.filter(({ id, quick }) =>
    options.only.length > 0 ? options.only.includes(id) : !options.quick || quick
  )
  if (chosen.length === 0) return { passed: true, json: {} }
  let figures = none
  const results: Array<{ readonly id: string; readonly name: string; readonly problems: ReadonlyArray<string> }> = []
  const cluster = await Cluster.start()
  try {
    for (const one of chosen) {
      const began = performance.now()
      const { figures: more, note, problems } = await play(cluster, one, options)
      figures = sum(figures, more)
      results.push({ id: one.id, name: one.name, problems })
      console.log(
        `${one.id.padEnd(4)} ${problems.length === 0 ? "ok    " : "BROKEN"} ${
          ((performance.now() - began) / 1000).toFixed(1).padStart(6)
        } s  ${one.name}${note === undefined ? "" : `: ${note}`}`
      )
      for (const problem of problems) console.error(`     ${problem}`)
    }
  } finally {
    await cluster.end()
  }
  const broken = results.filter(({ problems }) => problems.length > 0).length
  console.log(`api: ${results.length} cases, ${broken} broken; ${figures.requests} requests`)
  return { passed: broken === 0, json: { api: { ...figures, cases: results.length, broken, results } } }
}
