/**
 * JUnit's XML, as the servers of builds read it: a suite for each check, a case for each finding. A finding that fails
 * the run is a failure; one that does not is a case that passed and says what was seen. What is accepted, could not be
 * looked at or was left out is skipped with its reason.
 */
import type { AcceptedFinding, CheckResult, Checks, Finding } from "@ems/schema/contract/Checks"
import { plain } from "../Table.ts"
import { fails, type Gate } from "./Gate.ts"
import { sqlLines } from "./SqlText.ts"
import { baselineNotes } from "./Tally.ts"
import { element, text, type Xml } from "./Xml.ts"

interface Case {
  readonly name: string
  /** What the run makes of it. */
  readonly outcome: "passed" | "failures" | "errors" | "skipped"
  readonly inside: ReadonlyArray<Xml>
}

const details = ({ documentation, impact, remediation, summary }: Finding): Xml =>
  text([
    plain(summary),
    plain(impact),
    ...(remediation === null ? [] : sqlLines(remediation)),
    plain(documentation)
  ].join("\n"))

const found = (finding: Finding, gate: Gate): Case => {
  const name = plain(finding.cacheKey)
  return fails(gate, finding)
    ? {
      name,
      outcome: "failures",
      inside: [element("failure", { type: finding.severity, message: plain(finding.summary) }, [details(finding)])]
    }
    : { name, outcome: "passed", inside: [element("system-out", {}, [details(finding)])] }
}

const skipped = (name: string, message: string): Case => ({
  name,
  outcome: "skipped",
  inside: [element("skipped", { message: plain(message) })]
})

const accepted = ({ cacheKey, reason, until }: AcceptedFinding): Case =>
  skipped(
    plain(cacheKey),
    `accepted by the baseline${until === null ? "" : ` until ${until}`}${reason === null ? "" : `: ${reason}`}`
  )

const casesOf = ({ accepted: known = [], findings, title, unavailable }: CheckResult, gate: Gate) => {
  if (unavailable !== null) {
    const message = plain(`not looked at: ${unavailable.text}`)
    return gate.requireAll
      ? [
        { name: title, outcome: "errors", inside: [element("error", { type: unavailable.because, message })] } as const
      ]
      : [skipped(title, message)]
  }
  const cases = [...findings.map((finding) => found(finding, gate)), ...known.map(accepted)]
  return cases.length === 0 ? [{ name: title, outcome: "passed", inside: [] } as const] : cases
}

const sums = (cases: ReadonlyArray<Case>) => {
  const of = (outcome: Case["outcome"]) => cases.filter((one) => one.outcome === outcome).length
  return { tests: cases.length, failures: of("failures"), errors: of("errors"), skipped: of("skipped") }
}

export const junit = (report: Checks, gate: Gate): string => {
  const { checks, durationMs, leftOut, timestamp } = report
  const suites = [
    ...checks.map((check) => ({ name: check.name, notes: check.notes, cases: casesOf(check, gate) })),
    ...(leftOut === undefined
      ? []
      : leftOut.names.map((name) => ({ name, notes: [], cases: [skipped(name, `left out, ${leftOut.reason}`)] }))),
    ...(report.baseline === undefined ? [] : [{ name: "baseline", notes: baselineNotes(report), cases: [] }])
  ]
  const all = sums(suites.flatMap(({ cases }) => cases))
  const root = element(
    "testsuites",
    { name: "emsdb check", ...all, time: (durationMs / 1000).toFixed(3), timestamp },
    suites.map(({ cases, name, notes }) =>
      element("testsuite", { name, ...sums(cases), timestamp }, [
        ...cases.map(({ inside, name: title }) =>
          element("testcase", { classname: `emsdb.check.${name}`, name: title }, inside)
        ),
        ...(notes.length === 0 ? [] : [element("system-out", {}, [text(notes.map(plain).join("\n"))])])
      ])
    )
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}`
}
