import { checkNames, checkReport } from "@ems/db-core/catalog/CheckReport"
import { DbConfigError } from "@ems/db-core/config/DbConfigError"
import { Checks, type Finding, type Severity } from "@ems/schema/contract/Checks"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Findings } from "../Findings.ts"
import { count, duration, print } from "../Output.ts"
import { withDatabase } from "./Db.ts"

const weights: Readonly<Record<Severity, number>> = { info: 0, warn: 1, error: 2 }

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
    const only = Option.map(options.only, (names) => names.split(",").map((name) => name.trim()))
    const unknown = Option.getOrElse(only, () => []).find((name) => !checkNames.includes(name))
    if (unknown !== undefined) {
      return yield* new DbConfigError({ key: "--only", value: unknown, expected: `one of ${checkNames.join(", ")}` })
    }
    const report: Checks = yield* checkReport(Option.isNone(only) ? {} : { only: only.value })
    yield* print(Checks, report, { json: options.json, lines: lines(report) })
    const found = report.checks.flatMap(({ findings }): ReadonlyArray<Finding> => findings)
    if (found.some(({ severity }) => weights[severity] >= weights[options.failOn])) {
      return yield* new Findings({ verdict: "findings" })
    }
  },
  withDatabase
)
