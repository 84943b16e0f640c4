/**
 * RFC 4180, one row for each finding, accepted finding and check that could not look.
 *
 * Names come from the database, and a spreadsheet runs a cell that begins as a formula does: such a cell gets a `'` in
 * front (OWASP, "CSV Injection"). Programs that need the very text read JSON.
 */
import type { AcceptedFinding, Checks, Finding } from "@ems/schema/contract/Checks"
import { plain } from "../Table.ts"
import { worstFirst } from "./Gate.ts"
import { jsonText } from "./JsonText.ts"
import { sqlLines } from "./SqlText.ts"

const columns = [
  "kind",
  "severity",
  "check",
  "object_kind",
  "object",
  "summary",
  "impact",
  "remediation",
  "documentation",
  "evidence",
  "cache_key",
  "reason",
  "until"
] as const

type Row = Readonly<Partial<Record<typeof columns[number], string | null>>>

/** Full-width ones are taken for the same in some languages. */
const formula = /^[=+\-@\t\r＝＋－＠]/u

/** Lines are kept: a quoted cell may have several. */
const cell = (text: string | null | undefined): string => {
  const shown = (text ?? "").split("\n").map(plain).join("\n")
  const safe = formula.test(shown) ? `'${shown}` : shown
  return /[",\n]/.test(safe) ? `"${safe.replaceAll("\"", "\"\"")}"` : safe
}

const rowOf = (kind: string, finding: Finding): Row => ({
  kind,
  severity: finding.severity,
  check: finding.name,
  object_kind: finding.object.kind,
  object: finding.object.name,
  summary: finding.summary,
  impact: finding.impact,
  remediation: finding.remediation === null ? null : sqlLines(finding.remediation).join("\n"),
  documentation: finding.documentation,
  evidence: jsonText(finding.evidence),
  cache_key: finding.cacheKey
})

export const csv = ({ checks, leftOut }: Checks): string => {
  const rows: ReadonlyArray<Row> = [
    ...checks.flatMap(({ findings }) => findings).toSorted(worstFirst).map((finding) => rowOf("finding", finding)),
    ...checks.flatMap(({ accepted = [] }): ReadonlyArray<AcceptedFinding> => accepted).map((finding) => ({
      ...rowOf("accepted", finding),
      reason: finding.reason,
      until: finding.until
    })),
    ...checks.flatMap(({ name, unavailable }) =>
      unavailable === null ? [] : [{ kind: "unavailable", check: name, summary: unavailable.text }]
    ),
    ...(leftOut === undefined
      ? []
      : leftOut.names.map((name) => ({ kind: "left out", check: name, summary: leftOut.reason })))
  ]
  // Each record ends with CR LF; the LF of the last one is added where it is printed.
  return `${
    [columns.join(","), ...rows.map((row) => columns.map((column) => cell(row[column])).join(","))].join("\r\n")
  }\r`
}
