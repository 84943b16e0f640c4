/**
 * SARIF 2.1.0 (OASIS standard): a rule for each check, a result for each finding, those that are accepted with their
 * suppression. Findings are about objects of a database, so their locations are logical ones, without a file. What
 * could not be looked at is a notification of the run.
 */
import type { AcceptedFinding, CheckResult, Checks, Finding } from "@ems/schema/contract/Checks"
import { plain } from "../Table.ts"
import { worstFirst } from "./Gate.ts"
import { sqlLines } from "./SqlText.ts"
import { baselineNotes, leftOutNote } from "./Tally.ts"

const levels = { error: "error", warn: "warning", info: "note" } as const

/** In a message braces are placeholders (3.11.5) and brackets links (3.11.6). */
const message = (...sentences: ReadonlyArray<string>) => ({
  text: sentences.map(plain).join(". ").replace(/[{}]/g, "$&$&").replace(/[[\]\\]/g, "\\$&")
})

const rule = ({ accepted = [], findings, name, title }: CheckResult) => {
  // What follows from a finding, and where that is explained, is the same for all of a check but for names.
  const example = [...findings, ...accepted][0]
  return {
    id: name,
    shortDescription: { text: title },
    fullDescription: { text: title },
    help: { text: example === undefined ? title : `${title}. ${example.documentation}` },
    ...(example === undefined ? {} : { helpUri: example.documentation })
  }
}

const result = (finding: Finding, ruleIndex: number) => ({
  ruleId: finding.name,
  ruleIndex,
  kind: "fail",
  level: levels[finding.severity],
  message: message(finding.summary, finding.impact),
  locations: [{
    logicalLocations: [{
      fullyQualifiedName: plain(finding.object.name),
      kind: finding.object.kind
    }]
  }],
  partialFingerprints: { "cacheKey/v1": finding.cacheKey },
  properties: {
    evidence: finding.evidence,
    ...(finding.remediation === null ? {} : { remediation: sqlLines(finding.remediation).join("\n") })
  }
})

const suppressed = (finding: AcceptedFinding, ruleIndex: number) => ({
  ...result(finding, ruleIndex),
  suppressions: [{
    kind: "external",
    status: "accepted",
    ...(finding.reason === null ? {} : { justification: plain(finding.reason) }),
    ...(finding.until === null ? {} : { properties: { until: finding.until } })
  }]
})

export const sarif = (report: Checks) => {
  const { checks, timestamp } = report
  const indexes = new Map(checks.map(({ name }, at) => [name, at]))
  const indexOf = ({ name }: Finding): number => indexes.get(name) ?? -1
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [{
      tool: { driver: { name: "emsdb", rules: checks.map(rule) } },
      automationDetails: { id: "emsdb/check/" },
      columnKind: "utf16CodeUnits",
      invocations: [{
        executionSuccessful: true,
        endTimeUtc: timestamp,
        toolExecutionNotifications: [
          ...checks.flatMap(({ name, unavailable }, index) =>
            unavailable === null ? [] : [{
              level: "warning",
              message: message(`${name} was not looked at: ${unavailable.text}`),
              associatedRule: { id: name, index }
            }]
          ),
          ...checks.flatMap(({ name, notes }, index) =>
            notes.map((note) => ({ level: "note", message: message(note), associatedRule: { id: name, index } }))
          ),
          ...leftOutNote(report).map((note) => ({ level: "note", message: message(note) }))
        ],
        toolConfigurationNotifications: baselineNotes(report).map((note) => ({
          level: "warning",
          message: message(note)
        }))
      }],
      results: [
        ...checks.flatMap(({ findings }) => findings).toSorted(worstFirst).map((one) => result(one, indexOf(one))),
        ...checks.flatMap(({ accepted = [] }) => accepted.map((one) => suppressed(one, indexOf(one))))
      ]
    }]
  }
}
