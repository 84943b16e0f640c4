import { Catalog, type CheckResult as Result } from "@ems/db-core/catalog/Catalog"
import { allChecks } from "@ems/db-core/catalog/checks"
import { DbConfigError } from "@ems/db-core/config/DbConfigError"
import { type CheckResult, Checks, type Finding, type Severity } from "@ems/schema/contract/Checks"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Findings } from "../Findings.ts"
import { count, duration, print } from "../Output.ts"
import { withDatabase } from "./Db.ts"

const weights: Readonly<Record<Severity, number>> = { info: 0, warn: 1, error: 2 }

const resultOf = ({ answer, name, title }: Result): CheckResult => ({
  name,
  title,
  findings: answer.isAvailable ? answer.rows : [],
  unavailable: answer.isAvailable ? null : answer.unavailable,
  notes: answer.isAvailable ? answer.notes : []
})

const lines = ({ checks, durationMs, summary }: Checks): ReadonlyArray<string> => [
  ...checks.flatMap(({ findings }) => findings).toSorted((a, b) => weights[b.severity] - weights[a.severity])
    .flatMap(({ impact, remediation, severity, summary }) => [
      `${severity}: ${summary}`,
      `  ${impact}`,
      ...(remediation === null ? [] : remediation.split("\n").map((line) => `  ${line}`))
    ]),
  ...checks.flatMap(({ name, unavailable }) =>
    unavailable === null ? [] : [`${name}: not looked at, ${unavailable.text}`]
  ),
  ...new Set(checks.flatMap(({ notes }) => notes)),
  `${count(checks.length, "check")} in ${duration(durationMs)}: ${count(summary.error, "error")}, ${
    count(summary.warn, "warning")
  }, ${summary.info} for information, ${summary.unavailable} not looked at`
]

export const runCheck = Effect.fn("emsdb.check")(
  function*(
    options: { readonly only: Option.Option<string>; readonly failOn: Severity; readonly json: boolean }
  ) {
    const catalog = yield* Catalog
    const only = Option.map(options.only, (names) => names.split(",").map((name) => name.trim()))
    const known = allChecks.map(({ name }) => name)
    const unknown = Option.getOrElse(only, () => []).find((name) => !known.includes(name))
    if (unknown !== undefined) {
      return yield* new DbConfigError({ key: "--only", value: unknown, expected: `one of ${known.join(", ")}` })
    }
    const [took, results] = yield* Effect.timed(catalog.checks(Option.isNone(only) ? {} : { only: only.value }))
    const checks = results.map(resultOf)
    const found = checks.flatMap(({ findings }): ReadonlyArray<Finding> => findings)
    const counted = (severity: Severity) => found.filter((one) => one.severity === severity).length
    const report: Checks = {
      timestamp: DateTime.formatIso(yield* DateTime.now),
      checks,
      summary: {
        error: counted("error"),
        warn: counted("warn"),
        info: counted("info"),
        unavailable: checks.filter(({ unavailable }) => unavailable !== null).length
      },
      durationMs: Duration.toMillis(took)
    }
    yield* print(Checks, report, { json: options.json, lines: lines(report) })
    if (found.some(({ severity }) => weights[severity] >= weights[options.failOn])) {
      return yield* new Findings({ verdict: "findings" })
    }
  },
  withDatabase
)
