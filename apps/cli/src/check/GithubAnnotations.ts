/**
 * Workflow commands of GitHub Actions: each line becomes an annotation of the run. Every line is a command, so that no
 * name in the database can be read as one, and its message and title are escaped as actions/toolkit does it
 * (packages/core/src/command.ts).
 *
 * GitHub shows ten of each level for a step, so what is not a finding takes one line for all of its kind.
 */
import type { Checks, Finding } from "@ems/schema/contract/Checks"
import { plain } from "../Table.ts"
import { worstFirst } from "./Gate.ts"
import { sqlLines } from "./SqlText.ts"
import { baselineNotes, leftOutNote, tally } from "./Tally.ts"

const levels = { error: "error", warn: "warning", info: "notice" } as const

const data = (text: string): string => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")

const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C")

const command = (level: typeof levels[Finding["severity"]], title: string, lines: ReadonlyArray<string>): string =>
  `::${level} title=${property(plain(title))}::${data(lines.join("\n"))}`

const annotation = ({ impact, name, object, remediation, severity, summary }: Finding): string =>
  command(levels[severity], `${name}: ${object.name}`, [
    plain(summary),
    plain(impact),
    ...(remediation === null ? [] : sqlLines(remediation))
  ])

const all = (level: "warning" | "notice", title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [command(level, title, lines.map(plain))]

export const githubAnnotations = (report: Checks): string => {
  const { checks } = report
  return [
    ...checks.flatMap(({ findings }) => findings).toSorted(worstFirst).map(annotation),
    ...all(
      "warning",
      "checks that could not look",
      checks.flatMap(({ name, unavailable }) => unavailable === null ? [] : [`${name}: ${unavailable.text}`])
    ),
    ...all(
      "notice",
      "accepted by the baseline",
      checks.flatMap(({ accepted = [] }) =>
        accepted.map(({ cacheKey, reason }) => reason === null ? cacheKey : `${cacheKey}: ${reason}`)
      )
    ),
    ...all("warning", "the baseline", baselineNotes(report)),
    command("notice", "emsdb check", [tally(report), ...leftOutNote(report)])
  ].join("\n")
}
