/** What the sections of a report are made of: a title, tables with how many rows there are, and what is not known. */
import type { ReportPart } from "@ems/schema/contract/Report"
import type { Unavailable } from "@ems/schema/contract/Unavailable"
import { figure } from "../Output.ts"
import { type Html, html, type Piece } from "./Html.ts"

/** In the order of the report. */
export const titles = {
  status: "Status",
  findings: "Findings",
  queries: "Top queries",
  blocking: "Blocking",
  transactions: "Open transactions",
  connections: "Connections",
  tables: "Tables",
  space: "Space and growth",
  indexes: "Indexes",
  vacuum: "Vacuum and transaction ids",
  settings: "Settings worth changing",
  migrations: "Migrations"
} as const satisfies Record<ReportPart, string>

interface Part<A> {
  readonly content: A | null
  readonly unavailable: Unavailable | null
}

export const missing = (text: string): Html => html`<p class="missing">${text}</p>`

export const notLookedAt = ({ text }: Unavailable): Html => missing(`Not looked at: ${text}`)

export const section = <A>(id: ReportPart, part: Part<A>, body: (content: A) => Piece): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${titles[id]}</h2>
${part.content === null ? part.unavailable === null ? null : notLookedAt(part.unavailable) : body(part.content)}
</section>
`

export interface Column<Row> {
  readonly name: string
  readonly of: (row: Row) => Piece
  /** Figures. */
  readonly isRight?: boolean
  /** Long text. */
  readonly isWide?: boolean
}

/** What is not known is no empty cell: that would look like an oversight. */
const shown = (piece: Piece): Piece => piece === null || piece === undefined || piece === "" ? "–" : piece

const classOf = <Row>({ isRight, isWide }: Column<Row>): string =>
  isRight === true ? "right" : isWide === true ? "name wide" : "name"

/** The first column names the row. */
export const dataTable = <Row>(
  caption: string,
  rows: ReadonlyArray<Row>,
  columns: readonly [Column<Row>, ...ReadonlyArray<Column<Row>>]
): Html =>
  // Wider than a narrow screen it is scrolled, which the keyboard must be able to do too.
  html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col" class="${classOf(column)}">${column.name}</th>`)}</tr></thead>
<tbody>
${
    rows.map((row) =>
      html`<tr>${
        columns.map((column, at) =>
          at === 0
            ? html`<th scope="row" class="${classOf(column)}">${shown(column.of(row))}</th>`
            : html`<td class="${classOf(column)}">${shown(column.of(row))}</td>`
        )
      }</tr>
`
    )
  }</tbody>
</table></div>
`

export const notes = (texts: ReadonlyArray<string>): Html | null =>
  texts.length === 0 ? null : html`<ul class="notes">${texts.map((text) => html`<li>${text}</li>`)}</ul>`

interface Page<Row> {
  readonly items: ReadonlyArray<Row>
  readonly total: number
  readonly unavailable: Unavailable | null
  readonly notes: ReadonlyArray<string>
  readonly unavailableParts?: ReadonlyArray<Unavailable & { readonly part: string }>
}

const lacking = ({ unavailableParts = [] }: Page<unknown>) =>
  unavailableParts.map(({ part, text }) => missing(`Not looked at, ${part}: ${text}`))

/** `20 of 35`, or how many there are when all are shown. */
export const howMany = (shown: number, total: number): string =>
  shown < total ? `${figure(shown)} of ${figure(total)}` : figure(total)

/** A list of the data layer: its rows, or what it means that there are none, or why nobody knows. */
export const pageTable = <Row>(
  page: Page<Row>,
  { caption, empty }: { readonly caption: string; readonly empty: string },
  columns: readonly [Column<Row>, ...ReadonlyArray<Column<Row>>]
): Piece =>
  page.unavailable === null
    ? [
      page.items.length === 0
        ? html`<p>${empty}</p>`
        : dataTable(`${caption}: ${howMany(page.items.length, page.total)}`, page.items, columns),
      ...lacking(page),
      notes(page.notes)
    ]
    : notLookedAt(page.unavailable)

/** A longer one says no more to a person, and a report has many. Characters. */
const longestStatement = 300

/** A statement without its values. */
export const statement = (text: string | null): Html | null => {
  if (text === null) return null
  const chars = Array.from(text)
  return html`<code>${chars.length > longestStatement ? `${chars.slice(0, longestStatement).join("")}…` : text}</code>`
}
