/** For people: a table for each severity, the worst first, and below it the statements that mend what is in it. */
import type { Checks, Finding } from "@ems/schema/contract/Checks"
import type { Screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { remainder, section } from "./Remainder.ts"
import { sqlLines } from "./SqlText.ts"

const severities = ["error", "warn", "info"] as const

const group = (findings: ReadonlyArray<Finding>, screen: Screen): ReadonlyArray<string> => {
  const statements = findings.flatMap(({ remediation }) =>
    remediation === null ? [] : sqlLines(remediation, screen.width - 2).map((line) => `  ${line}`)
  )
  return [
    ...table(findings, [
      { name: "check", of: ({ name }) => name },
      { name: "finding", of: ({ summary }) => summary, shrinksTo: 50 }
    ], screen),
    ...(statements.length === 0 ? [] : ["", ...statements])
  ]
}

export const tableText = (report: Checks, screen: Screen): string => {
  const findings = report.checks.flatMap(({ findings }) => findings)
  return [
    ...severities.flatMap((severity) => {
      const found = findings.filter((finding) => finding.severity === severity)
      return section(`${severity}: ${found.length}`, found.length === 0 ? [] : group(found, screen))
    }),
    ...remainder(report, screen),
    ...(findings.length === 0 ? [] : ["--format expanded says what follows from each"])
  ].join("\n")
}
