/** What a baseline makes of a report, and what a report makes of a baseline. No I/O. */
import type { Baseline, BaselineEntry } from "@ems/schema/contract/Baseline"
import type { CheckResult, Checks, Finding } from "@ems/schema/contract/Checks"
import { isWorse } from "./Gate.ts"

/** A key begins with the name of its check. */
const checkOf = (cacheKey: string): string => cacheKey.split(":", 1)[0]!

const isExpired = ({ until }: BaselineEntry, today: string): boolean => until !== undefined && today > until

const isWorseNow = ({ severity: accepted }: BaselineEntry, { severity }: Finding): boolean =>
  accepted !== undefined && isWorse(severity, accepted)

const foundIn = ({ checks }: Checks): ReadonlyMap<string, Finding> =>
  new Map(checks.flatMap(({ findings }) => findings.map((finding): [string, Finding] => [finding.cacheKey, finding])))

/** Whether nobody knows if its finding is still there: its check exists, and did not look. */
const isUnseen = (report: Checks, names: ReadonlyArray<string>) => {
  const looked = new Set(report.checks.filter(({ unavailable }) => unavailable === null).map(({ name }) => name))
  return ({ cacheKey }: BaselineEntry): boolean => names.includes(checkOf(cacheKey)) && !looked.has(checkOf(cacheKey))
}

/** `names` are those of all checks there are; `report` has every finding. */
export const stale = (report: Checks, { accepted }: Baseline, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const found = foundIn(report)
  const unseen = isUnseen(report, names)
  return accepted.filter((entry) => !found.has(entry.cacheKey) && !unseen(entry)).map(({ cacheKey }) => cacheKey)
}

/** The report without what is accepted on the day `today`. */
export const accept = (
  report: Checks,
  baseline: Baseline,
  { isWritten, stale, today }: {
    readonly isWritten: boolean
    readonly stale: ReadonlyArray<string>
    readonly today: string
  }
): Checks => {
  const entries = new Map(baseline.accepted.map((entry) => [entry.cacheKey, entry]))
  const found = foundIn(report)
  const accepts = (finding: Finding): boolean => {
    const entry = entries.get(finding.cacheKey)
    return entry !== undefined && !isExpired(entry, today) && !isWorseNow(entry, finding)
  }
  const checks = report.checks.map((check): CheckResult => ({
    ...check,
    findings: check.findings.filter((finding) => !accepts(finding)),
    accepted: check.findings.filter(accepts).map((finding) => ({
      ...finding,
      reason: entries.get(finding.cacheKey)?.reason ?? null,
      until: entries.get(finding.cacheKey)?.until ?? null
    }))
  }))
  const left = checks.flatMap(({ findings }) => findings)
  const counted = (severity: Finding["severity"]) => left.filter((finding) => finding.severity === severity).length
  const keysOf = (is: (entry: BaselineEntry, finding: Finding) => boolean): ReadonlyArray<string> =>
    baseline.accepted.flatMap((entry) => {
      const finding = found.get(entry.cacheKey)
      return finding !== undefined && is(entry, finding) ? [entry.cacheKey] : []
    })
  return {
    ...report,
    checks,
    summary: {
      ...report.summary,
      error: counted("error"),
      warn: counted("warn"),
      info: counted("info")
    },
    baseline: {
      accepted: checks.reduce((sum, { accepted = [] }) => sum + accepted.length, 0),
      stale,
      expired: keysOf((entry) => isExpired(entry, today)),
      worse: keysOf((entry, finding) => !isExpired(entry, today) && isWorseNow(entry, finding)),
      isWritten
    }
  }
}

/**
 * A baseline of what was found, as severe as it is now. Of entries that stay their reasons and last days are kept, also
 * a day that is over: somebody has to look at that one. So are entries of checks that did not look.
 */
export const renewed = (report: Checks, old: Baseline, names: ReadonlyArray<string>): Baseline => {
  const before = new Map(old.accepted.map((entry) => [entry.cacheKey, entry]))
  const accepted = [
    ...old.accepted.filter(isUnseen(report, names)),
    ...[...foundIn(report).values()].map(({ cacheKey, severity }) => ({ ...before.get(cacheKey), cacheKey, severity }))
  ]
  // By code unit, so that the file is the same in every locale.
  return { version: 1, accepted: accepted.toSorted((a, b) => a.cacheKey < b.cacheKey ? -1 : 1) }
}
