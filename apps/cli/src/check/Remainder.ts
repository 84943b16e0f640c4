/** Below the findings of what people read: what is accepted, what could not be looked at, what limits the answers. */
import type { AcceptedFinding, Checks } from "@ems/schema/contract/Checks"
import type { Screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { baselineNotes, leftOutNote, tally } from "./Tally.ts"
import { wrapped } from "./Words.ts"

export const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [title, ...lines, ""]

export const remainder = (report: Checks, screen: Screen): ReadonlyArray<string> => {
  const { checks } = report
  const accepted = checks.flatMap(({ accepted = [] }): ReadonlyArray<AcceptedFinding> => accepted)
  const notes = [...new Set(checks.flatMap(({ notes }) => notes)), ...leftOutNote(report), ...baselineNotes(report)]
  return [
    ...section(
      "accepted by the baseline",
      table(accepted, [
        { name: "finding", of: ({ cacheKey }) => cacheKey, shrinksTo: 40 },
        { name: "severity", of: ({ severity }) => severity },
        { name: "until", of: ({ until }) => until },
        { name: "reason", of: ({ reason }) => reason, shrinksTo: 20 }
      ], screen)
    ),
    ...section(
      "not looked at",
      checks.flatMap(({ name, unavailable }) =>
        unavailable === null ? [] : wrapped(`${name}: ${unavailable.text}`, screen.width, "  ")
      )
    ),
    ...section("notes", notes.flatMap((note) => wrapped(note, screen.width, "  "))),
    ...wrapped(tally(report), screen.width)
  ]
}
