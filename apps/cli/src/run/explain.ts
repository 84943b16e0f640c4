import { digestOf, Explain } from "@ems/db-core/optimizer/Explain"
import { ExplainedStatement } from "@ems/schema/contract/Explain"
import * as Effect from "effect/Effect"
import { duration, print } from "../Output.ts"
import { planLines } from "../PlanText.ts"
import { confirm } from "../Questions.ts"
import { audited, withAccess } from "./Audited.ts"
import { answer, type SourceFlags } from "./Source.ts"

interface ExplainFlags extends SourceFlags {
  readonly sql: string
  readonly parameter: ReadonlyArray<string>
  readonly analyze: boolean
  readonly yes: boolean
  readonly json: boolean
}

const lines = ({ executionMs, isGeneric, plan, planningMs, shape }: ExplainedStatement): ReadonlyArray<string> => [
  ...planLines(plan),
  `plan ${shape}${isGeneric ? ", for any values of the parameters" : ""}${
    planningMs === null ? "" : `; planned in ${duration(planningMs)}`
  }${executionMs === null ? "" : `, run in ${duration(executionMs)}`}`
]

const shown = Effect.fnUntraced(function*({ analyze, json, parameter, sql, ...source }: ExplainFlags) {
  const ask = Explain.use(({ explain }) =>
    explain({ sql, analyze, parameters: parameter.length === 0 ? undefined : parameter })
  )
  const remote = {
    contract: ExplainedStatement,
    method: "POST" as const,
    path: "api/db/explain",
    body: { sql, analyze, ...(parameter.length === 0 ? {} : { parameters: parameter }) }
  }
  // The API writes it down itself.
  const local = analyze ? withAccess(audited({ action: "explain.analyze", target: digestOf(sql) }, ask)) : ask
  const explained: ExplainedStatement = yield* answer(source, remote, local)
  yield* print(ExplainedStatement, explained, { json, lines: lines(explained) })
})

export const runExplain = Effect.fn("emsdb.explain")(function*(flags: ExplainFlags) {
  if (flags.analyze) {
    yield* confirm(
      "Run the statement? Its transaction is rolled back; what its functions do outside of it is not.",
      flags
    )
  }
  yield* shown(flags)
})
