/** Every format, by its name. */
import type { Checks } from "@ems/schema/contract/Checks"
import type { Screen } from "../Screen.ts"
import { csv } from "./Csv.ts"
import { expandedText } from "./ExpandedText.ts"
import type { FormatName } from "./FormatName.ts"
import type { Gate } from "./Gate.ts"
import { githubAnnotations } from "./GithubAnnotations.ts"
import { jsonLines } from "./JsonLines.ts"
import { jsonText } from "./JsonText.ts"
import { junit } from "./Junit.ts"
import { markdown } from "./Markdown.ts"
import { sarif } from "./Sarif.ts"
import { tableText } from "./TableText.ts"

/** All that is printed, without the last line's end. `screen` is for people's. */
type Format = (report: Checks, gate: Gate, screen: Screen) => string

export const formats: Readonly<Record<FormatName, Format>> = {
  table: (report, _, screen) => tableText(report, screen),
  expanded: (report, _, screen) => expandedText(report, screen),
  json: jsonText,
  ndjson: jsonLines,
  csv,
  markdown,
  sarif: (report) => jsonText(sarif(report)),
  junit,
  github: githubAnnotations
}
