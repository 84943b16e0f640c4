/** What people are told below the findings: what is accepted, what nobody looked at, and how much there is of each. */
import type { Checks } from "@ems/schema/contract/Checks"
import { count, duration } from "../Output.ts"

/** `2 errors, 1 warning, 3 for information, 1 accepted, 2 not looked at, 9 left out`. */
export const counts = ({ baseline, leftOut, summary }: Checks): string =>
  [
    count(summary.error, "error"),
    count(summary.warn, "warning"),
    `${summary.info} for information`,
    ...(baseline === undefined ? [] : [`${baseline.accepted} accepted`]),
    `${summary.unavailable} not looked at`,
    ...(leftOut === undefined ? [] : [`${leftOut.names.length} left out`])
  ].join(", ")

export const tally = (report: Checks): string =>
  `${count(report.checks.length, "check")} in ${duration(report.durationMs)}: ${counts(report)}`

/** What is to be done about the baseline itself, one sentence each. */
export const baselineNotes = ({ baseline }: Checks): ReadonlyArray<string> =>
  baseline === undefined ? [] : [
    ...baseline.stale.map((key) =>
      baseline.isWritten ? `no longer in the baseline: ${key}` : `in the baseline for nothing, take it out: ${key}`
    ),
    ...baseline.expired.map((key) => `accepted until a day that is over: ${key}`),
    ...baseline.worse.map((key) => `more severe than what was accepted: ${key}`),
    ...(baseline.isWritten ? [`the baseline is written: ${count(baseline.accepted, "accepted finding")}`] : [])
  ]

export const leftOutNote = ({ leftOut }: Checks): ReadonlyArray<string> =>
  leftOut === undefined ? [] : [`left out, ${leftOut.reason}: ${leftOut.names.join(", ")}`]
