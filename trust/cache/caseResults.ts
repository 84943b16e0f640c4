/** The cases, as a part of the suite: ours must be right in all of them but its known limits. */
import type { Options } from "../options.ts"
import { problemsOf } from "./cases/problems.ts"
import { runCases } from "./cases/runCases.ts"
import { tally } from "./cases/Table.ts"

export interface CaseResults {
  readonly problems: ReadonlyArray<string>
  readonly json: Readonly<Record<string, unknown>>
}

/** A quick run leaves them out: the tests run them. */
export const caseResults = async ({ quick }: Options): Promise<CaseResults> => {
  if (quick) return { problems: [], json: {} }
  const { outcomes } = await runCases()
  return { problems: problemsOf(outcomes), json: { cases: tally(outcomes) } }
}
