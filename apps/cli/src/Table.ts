/**
 * Rows for people, as psql shows them: a table where it fits the width, otherwise one field a line.
 *
 * Names and statements come from whoever is connected: what a terminal would take for commands is taken out of them.
 */
import type { Screen } from "./Screen.ts"

export type Cell = string | number | null

export interface Column<Row> {
  readonly name: string
  readonly of: (row: Row) => Cell
  /** Figures stand below each other at the right. Default `left`. */
  readonly align?: "left" | "right"
  /** May be cut to this many characters before one field a line is shown. Default: it is never cut. */
  readonly shrinksTo?: number
}

const borders = {
  ascii: { line: "-", cross: "+", bar: "|", more: "..." },
  unicode: { line: "─", cross: "┼", bar: "│", more: "…" }
} as const

/** On one line, without control characters and without what turns the direction of text. */
export const plain = (text: string): string =>
  text.replace(/[\s\p{Cc}]+/gu, " ").replace(/[\u202A-\u202E\u2066-\u2069]/gu, "").trim()

const textOf = (cell: Cell): string => cell === null ? "" : plain(String(cell))

/** Characters of scripts that take two columns each: East Asian Width, and emoji. */
const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u

/** Columns that it takes on a terminal. */
export const widthOf = (text: string): number => {
  // Nearly all of it is ASCII.
  if (/^[ -~]*$/.test(text)) return text.length
  return Array.from(text).reduce((sum, char) => sum + (/\p{Mn}/u.test(char) ? 0 : wide.test(char) ? 2 : 1), 0)
}

export const cut = (text: string, width: number, more: string): string => {
  if (widthOf(text) <= width) return text
  let kept = ""
  for (const char of text) {
    if (widthOf(kept + char + more) > width) break
    kept += char
  }
  return kept + more
}

export const padded = (text: string, width: number, align: "left" | "right"): string => {
  const space = " ".repeat(Math.max(0, width - widthOf(text)))
  return align === "right" ? space + text : text + space
}

export const bold = (text: string, { hasColor }: Screen): string => hasColor ? `\u001B[1m${text}\u001B[22m` : text

/** One field a line; what is longer than the line goes on below its beginning. */
const expanded = (
  names: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  screen: Screen
): ReadonlyArray<string> => {
  const { bar, cross, line } = borders[screen.border]
  const name = Math.max(...names.map(widthOf))
  const room = Math.max(20, screen.width - name - 3)
  return rows.flatMap((row, at) => [
    bold(`${line}[ RECORD ${at + 1} ]`.padEnd(name + 1, line) + cross + line, screen),
    ...row.flatMap((text, column) => {
      const pieces: Array<string> = []
      for (let rest = Array.from(text); rest.length > 0 || pieces.length === 0; rest = rest.slice(room)) {
        pieces.push(rest.slice(0, room).join(""))
      }
      return pieces.map((piece, nth) =>
        `${padded(nth === 0 ? names[column] ?? "" : "", name, "left")} ${bar} ${piece}`.trimEnd()
      )
    })
  ])
}

/** How wide each column may be, or nothing when they do not fit. Of those that may be cut the widest is cut first. */
const fitted = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  wanted: ReadonlyArray<number>,
  width: number
): ReadonlyArray<number> | undefined => {
  const widths = [...wanted]
  // A space on each side of each, and a bar between two.
  for (let over = wanted.reduce((sum, one) => sum + one + 3, -1) - width; over > 0; over--) {
    const widest = widths.reduce((found, one, at) => {
      const mayBeCut = one > (columns[at]?.shrinksTo ?? Number.POSITIVE_INFINITY)
      return mayBeCut && one > (widths[found] ?? 0) ? at : found
    }, -1)
    if (widest === -1) return undefined
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

/** The lines of a table; none of one without rows. */
export const table = <Row>(
  rows: ReadonlyArray<Row>,
  columns: ReadonlyArray<Column<Row>>,
  screen: Screen
): ReadonlyArray<string> => {
  if (rows.length === 0) return []
  const names = columns.map(({ name }) => name)
  const texts = rows.map((row) => columns.map(({ of }) => textOf(of(row))))
  const wanted = names.map((name, at) =>
    texts.reduce((most, row) => Math.max(most, widthOf(row[at] ?? "")), widthOf(name))
  )
  const widths = fitted(columns, wanted, screen.width)
  if (widths === undefined) return expanded(names, texts, screen)
  const { bar, cross, line, more } = borders[screen.border]
  const lineOf = (row: ReadonlyArray<string>) =>
    row.map((text, at) =>
      ` ${padded(cut(text, widths[at] ?? 0, more), widths[at] ?? 0, columns[at]?.align ?? "left")} `
    )
      .join(bar).trimEnd()
  return [
    bold(lineOf(names), screen),
    widths.map((width) => line.repeat(width + 2)).join(cross),
    ...texts.map(lineOf)
  ]
}
