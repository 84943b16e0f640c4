/**
 * A report as one HTML file: without scripts, without anything that a browser would fetch, and told so by its own policy.
 */
import type { Report, ReportPart } from "@ems/schema/contract/Report"
import { instant } from "../Output.ts"
import { type Html, html, verbatim } from "./Html.ts"
import { titles } from "./Section.ts"
import { blocking, connections, queries, transactions } from "./sections/activity.ts"
import { findings } from "./sections/findings.ts"
import { status, verdict, versionOf } from "./sections/status.ts"
import { indexes, space, tables } from "./sections/storage.ts"
import { migrations, settings, vacuum } from "./sections/upkeep.ts"
import { sheet } from "./Sheet.ts"

/** One for each part; their order is that of `titles`. */
const sections: Readonly<Record<ReportPart, (report: Report) => Html>> = {
  status,
  findings,
  queries,
  blocking,
  transactions,
  connections,
  tables,
  space,
  indexes,
  vacuum,
  settings,
  migrations
}

// A cast: `keys` forgets what they are.
const contents = Object.keys(titles) as ReadonlyArray<ReportPart>

export const documentOf = (report: Report): string => {
  const { database, timestamp, version } = report
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Database report: ${database}, ${instant(timestamp)}</title>
<style>${verbatim(sheet)}</style>
</head>
<body>
<header>
<h1>Database report: ${database}</h1>
<p class="about">Postgres ${versionOf(version)}, seen on <time datetime="${timestamp}">${
    instant(timestamp)
  }</time>. Statements are shown without their values.</p>
</header>
<main>
${verdict(report)}
<nav aria-label="Contents"><ul>${contents.map((id) => html`<li><a href="#${id}">${titles[id]}</a></li>`)}</ul></nav>
${contents.map((id) => sections[id](report))}
</main>
<footer><p>Made by emsdb report. Lists show their first twenty rows; emsdb --help names the commands that show more.</p></footer>
</body>
</html>
`.markup
}
