/**
 * How a report looks: light or dark as its reader's screen is, black on white where it is printed. Each colour of text
 * has a contrast of at least 4.5 to what is behind it (WCAG 2.2, 1.4.3); what a colour says is said in words too.
 */
const light = `
  color-scheme: light;
  --page: #ffffff; --raised: #f5f6f8; --line: #d5dae1; --text: #1a1f26; --quiet: #566070; --link: #0a4fb3;
  --error: #b3201a; --warn: #8a4a00; --info: #1c58c0; --fine: #14662f;`

const dark = `
  color-scheme: dark;
  --page: #11151a; --raised: #1a2027; --line: #333c47; --text: #e5e9ee; --quiet: #a4aebb; --link: #84b8ff;
  --error: #ff9c93; --warn: #f1b765; --info: #93bdff; --fine: #7ad698;`

export const sheet = `
:root {${light}
}
@media (prefers-color-scheme: dark) {
:root {${dark}
}
}
@media print {
:root {${light}
}
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1, h2, h3, h4, p, dl, dd, ul, ol, pre { margin: 0; }
h1 { font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin-bottom: .75rem; padding-bottom: .375rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .625rem; }
h4 { font-size: 1rem; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre { font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { padding: .625rem .75rem; background: var(--raised); border-radius: .375rem; white-space: pre-wrap; }
.about, .quiet, .notes { color: var(--quiet); }
.about { margin-top: .375rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0; padding: 0; list-style: none; }
.tiles li { flex: 1 1 9rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }
.tiles b { display: block; font-size: 1.625rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
nav { margin-bottom: 2.5rem; font-size: .9375rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.125rem; padding: 0; list-style: none; }
section { margin-bottom: 3rem; }
.facts { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .375rem 1.5rem; }
.facts dt { color: var(--quiet); }
.facts dd { overflow-wrap: anywhere; }
.error { color: var(--error); } .warn { color: var(--warn); } .info { color: var(--info); } .fine { color: var(--fine); }
.finding { padding: 1rem 1.125rem; margin-bottom: .875rem; border: 1px solid var(--line); border-left-width: 4px; border-radius: .5rem; }
.finding.error { border-left-color: var(--error); }
.finding.warn { border-left-color: var(--warn); }
.finding.info { border-left-color: var(--info); }
article.finding { color: var(--text); }
.finding > * + * { margin-top: .5rem; }
.finding .facts { grid-template-columns: minmax(7rem, max-content) 1fr; gap: .125rem 1.25rem; font-size: .875rem; }
.finding .from { font-size: .875rem; color: var(--quiet); }
.scroll { margin-top: .75rem; overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
caption { padding-bottom: .5rem; text-align: left; color: var(--quiet); }
th, td { padding: .4375rem 1rem .4375rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--quiet); font-weight: 600; white-space: nowrap; vertical-align: bottom; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 7rem; }
.right { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.name { overflow-wrap: anywhere; min-width: 5.5rem; }
.wide { min-width: 16rem; }
.missing { padding: .625rem .75rem; border: 1px dashed var(--line); border-radius: .375rem; color: var(--quiet); }
section > * + .missing { margin-top: .75rem; }
.scroll + .scroll { margin-top: 1.5rem; }
.notes { margin-top: .75rem; padding-left: 1.125rem; font-size: .875rem; }
footer { padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem; color: var(--quiet); }
@media print {
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  nav { display: none; }
  section { margin-bottom: 1.5rem; }
  .scroll { overflow: visible; }
  .wide { min-width: 0; }
  h2, h3, h4, caption, thead { break-after: avoid; }
  tr, .finding, .tiles li { break-inside: avoid; }
  .source a::after { content: " (" attr(href) ")"; overflow-wrap: anywhere; }
}
`
