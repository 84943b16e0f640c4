/** For people: everything of each finding, one after the other, the worst first. */
import type { Checks, Finding } from "@ems/schema/contract/Checks"
import type { Screen } from "../Screen.ts"
import { plain } from "../Table.ts"
import { worstFirst } from "./Gate.ts"
import { remainder } from "./Remainder.ts"
import { sqlLines } from "./SqlText.ts"
import { wrapped } from "./Words.ts"

const field = (name: string, text: string, { width }: Screen): ReadonlyArray<string> => {
  const lines = wrapped(text, width, "            ")
  return [`  ${name.padEnd(10)}${lines[0]?.slice(12) ?? ""}`, ...lines.slice(1)]
}

const linesOf = (finding: Finding, screen: Screen): ReadonlyArray<string> => {
  const { cacheKey, documentation, evidence, impact, name, object, remediation, severity, summary } = finding
  return [
    ...wrapped(`${severity}: ${summary}`, screen.width),
    ...field("check", name, screen),
    ...field("object", `${object.kind} ${object.name}`, screen),
    ...Object.entries(evidence).flatMap(([key, value], at) =>
      field(at === 0 ? "evidence" : "", `${key}: ${value === null ? "not known" : plain(String(value))}`, screen)
    ),
    ...field("impact", impact, screen),
    ...(remediation === null
      ? field("remedy", "no statement mends it", screen)
      : ["  remedy", ...sqlLines(remediation, screen.width - 4).map((line) => `    ${line}`)]),
    ...field("key", cacheKey, screen),
    // Whole, whatever the width: it is there to be opened.
    "  see",
    `    ${plain(documentation)}`,
    ""
  ]
}

export const expandedText = (report: Checks, screen: Screen): string =>
  [
    ...report.checks.flatMap(({ findings }) => findings).toSorted(worstFirst).flatMap((one) => linesOf(one, screen)),
    ...remainder(report, screen)
  ].join("\n")
