/** Findings by severity: what was seen, what follows, and the SQL that mends it. */
import type { Finding } from "@ems/schema/contract/Checks"
import type { Report, ReportFindings } from "@ems/schema/contract/Report"
import type { Severity } from "@ems/schema/contract/Severity"
import { count, figure } from "../../Output.ts"
import { type Html, html } from "../Html.ts"
import { howMany, missing, notes, section } from "../Section.ts"
import { list } from "./status.ts"

const groups: ReadonlyArray<readonly [severity: Severity, title: string, one: string]> = [
  ["error", "Errors", "Error"],
  ["warn", "Warnings", "Warning"],
  ["info", "For information", "For information"]
]

/** Figures as people read them; what they are in is in their names. */
const evidenceText = (value: string | number | boolean): string =>
  typeof value !== "number"
    ? String(value)
    : Number.isInteger(value)
    ? figure(value)
    : value.toLocaleString("en-US", { maximumFractionDigits: 3 })

/** Our own documents are no page that a browser could open. */
const source = (documentation: string): Html =>
  /^https:\/\/www\.postgresql\.org\/docs\/[\w./#-]*$/.test(documentation)
    ? html`<p class="source"><a href="${documentation}" rel="noreferrer">Postgres's documentation</a></p>`
    : html`<p class="source quiet">See ${documentation}</p>`

const finding = (severity: Severity, word: string, one: Finding): Html =>
  html`<article class="finding ${severity}">
<h4>${one.summary}</h4>
<p class="from"><span class="${severity}">${word}</span>, check ${one.name}, ${one.object.kind} ${one.object.name}</p>
<p>${one.impact}.</p>
${list(Object.entries(one.evidence).flatMap(([name, value]) => value === null ? [] : [[name, evidenceText(value)]]))}
${one.remediation === null ? null : html`<pre>${one.remediation}</pre>`}
${source(one.documentation)}
</article>
`

const group = (
  { items, summary }: ReportFindings,
  [severity, title, word]: (typeof groups)[number]
): Html | null => {
  const some = items.filter((one) => one.severity === severity)
  return some.length === 0
    ? null
    : html`<h3>${title}: ${howMany(some.length, summary[severity])}</h3>
${some.map((one) => finding(severity, word, one))}`
}

export const findings = ({ parts }: Report): Html =>
  section("findings", parts.findings, (content) => [
    html`<p class="quiet">${count(content.checks, "check")} ran</p>`,
    content.items.length === 0 ? html`<p>Nothing was found.</p>` : groups.map((one) => group(content, one)),
    content.notLookedAt.length === 0 ? null : html`<h3>Could not look: ${content.notLookedAt.length}</h3>`,
    content.notLookedAt.map(({ text, title }) => missing(`${title}: ${text}`)),
    notes(content.notes)
  ])
