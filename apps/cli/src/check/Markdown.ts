/**
 * GitHub Flavored Markdown, for a comment on a pull request or the summary of a job.
 *
 * Names come from the database: nothing of them becomes markup, an HTML element, a link, or the mention of a person or
 * an issue.
 */
import type { AcceptedFinding, Checks, Finding } from "@ems/schema/contract/Checks"
import { plain } from "../Table.ts"
import { type Gate, isFailed, worstFirst } from "./Gate.ts"
import { sqlLines } from "./SqlText.ts"
import { baselineNotes, leftOutNote, tally } from "./Tally.ts"

/** A comment of GitHub takes 65,536 characters; what is left is for the lines above and below. */
const most = 60_000

/** Text in a line or a cell. A mention is found in what is shown, so only an invisible character between parts it. */
const escaped = (text: string): string =>
  plain(text)
    .replace(/[\\`*_{}[\]()#+!|~$]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/@|#|:(?=\/\/)|\bwww(?=\.)|\bGH(?=-)/gi, "$&\u200B")

const fence = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const longest = Math.max(2, ...(lines.join("\n").match(/`+/g) ?? []).map((run) => run.length))
  const ticks = "`".repeat(longest + 1)
  return [`${ticks}sql`, ...lines, ticks]
}

const table = (names: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> =>
  rows.length === 0 ? [] : [
    `| ${names.join(" | ")} |`,
    `|${" --- |".repeat(names.length)}`,
    ...rows.map((row) => `| ${row.map(escaped).join(" | ")} |`),
    ""
  ]

/** In a block that is opened by a click. */
const details = ({ documentation, impact, remediation, severity, summary }: Finding): ReadonlyArray<string> => [
  `<details><summary>${severity}: ${escaped(summary)}</summary>`,
  "",
  `${escaped(impact)}.`,
  "",
  ...(remediation === null ? [] : [...fence(sqlLines(remediation)), ""]),
  `[Documentation](<${encodeURI(documentation)}>)`,
  "",
  "</details>",
  ""
]

/** The first of `blocks` that there is room for. */
const fitting = (blocks: ReadonlyArray<ReadonlyArray<string>>, room: number): ReadonlyArray<ReadonlyArray<string>> => {
  let left = room
  return blocks.filter((block) => (left -= block.join("\n").length + 1) >= 0)
}

/** Cells before their characters are escaped, which makes at most six of one. */
const short = (text: string): string => text.length <= 400 ? text : `${text.slice(0, 400)}…`

export const markdown = (report: Checks, gate: Gate): string => {
  const { checks } = report
  const findings = checks.flatMap(({ findings }) => findings).toSorted(worstFirst)
  const rows = findings.map(({ name, severity, summary }) => [severity, name, short(summary)])
  const accepted = checks.flatMap(({ accepted = [] }): ReadonlyArray<AcceptedFinding> => accepted)
  const unseen = checks.flatMap(({ name, unavailable }) => unavailable === null ? [] : [[name, unavailable.text]])
  const listed = fitting(rows.map((row) => table(["severity", "check", "finding"], [row]).slice(2, 3)), most / 3)
  const below = [
    ...table(
      ["accepted by the baseline", "until", "reason"],
      fitting(
        accepted.map(({ cacheKey, reason, until }) => [short(cacheKey), until ?? "", short(reason ?? "")]),
        most / 6
      )
    ),
    ...table(["not looked at", "why"], unseen),
    ...[...leftOutNote(report), ...baselineNotes(report).slice(0, 50)].flatMap((note) => [`- ${escaped(short(note))}`])
  ]
  const shown = fitting(findings.map(details), most - listed.join("\n").length - below.join("\n").length)
  const hidden = findings.length - Math.min(listed.length, shown.length)
  return [
    `### emsdb check: ${isFailed(report, gate) ? "failed" : "passed"}`,
    "",
    escaped(tally(report)),
    "",
    ...(listed.length === 0 ? [] : ["| severity | check | finding |", "| --- | --- | --- |", ...listed.flat(), ""]),
    ...shown.flat(),
    ...(hidden === 0 ? [] : [`Of ${hidden} more there is no room for all; the other formats have them.`, ""]),
    ...below
  ].join("\n")
}
