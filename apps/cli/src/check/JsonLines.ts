/** One thing a line, each by the contract `CheckLine`: a program can read them while they come, and see a missing end. */
import type { CheckLine } from "@ems/schema/contract/CheckLine"
import type { Checks } from "@ems/schema/contract/Checks"
import { worstFirst } from "./Gate.ts"
import { jsonText } from "./JsonText.ts"

const linesOf = ({ baseline, checks, durationMs, leftOut, summary, timestamp }: Checks): ReadonlyArray<CheckLine> => [
  ...checks.flatMap(({ findings }) => findings).toSorted(worstFirst).map((finding): CheckLine => ({
    kind: "finding",
    ...finding
  })),
  ...checks.flatMap(({ accepted = [] }) => accepted.map((finding): CheckLine => ({ kind: "accepted", ...finding }))),
  ...checks.flatMap(({ name, title, unavailable }): ReadonlyArray<CheckLine> =>
    unavailable === null ? [] : [{ kind: "unavailable", name, title, ...unavailable }]
  ),
  ...(leftOut === undefined
    ? []
    : leftOut.names.map((name): CheckLine => ({ kind: "leftOut", name, reason: leftOut.reason }))),
  ...checks.flatMap(({ name, notes }) => notes.map((text): CheckLine => ({ kind: "note", name, text }))),
  {
    kind: "summary",
    timestamp,
    checks: checks.length,
    ...summary,
    ...(baseline === undefined ? {} : { baseline }),
    durationMs
  }
]

export const jsonLines = (report: Checks): string => linesOf(report).map(jsonText).join("\n")
