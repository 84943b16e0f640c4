/** Sessions below each other, each on one line however narrow the screen is. */
import type { Top } from "@ems/schema/contract/Top"
import { elapsed } from "../Output.ts"
import { cut, padded, plain, widthOf } from "../Table.ts"
import type { Sort } from "./View.ts"

type Session = Top["sessions"]["items"][number]

interface Column {
  readonly name: string
  readonly of: (session: Session) => string
  /** Columns it may take, at most. */
  readonly most: number
  readonly align?: "left" | "right"
  /** Which columns go first where there is no room for a statement. Default: it stays. */
  readonly goes?: number
}

const pid: Column = { name: "pid", of: ({ pid }) => String(pid), most: 10, align: "right" }
const columns: ReadonlyArray<Column> = [
  pid,
  { name: "user", of: ({ user }) => user ?? "", most: 12, goes: 5 },
  { name: "database", of: ({ database }) => database ?? "", most: 14, goes: 1 },
  { name: "application", of: ({ application }) => application, most: 12, goes: 3 },
  // Who is not active shows no age of a query, so that this one goes early.
  { name: "state", of: ({ state }) => state ?? "not shown", most: 19, goes: 2 },
  { name: "xact", of: ({ transactionMs }) => age(transactionMs), most: 8, align: "right" },
  { name: "query", of: ({ queryMs }) => age(queryMs), most: 8, align: "right" },
  {
    name: "wait",
    // Who is idle waits for its client: that is no news.
    of: ({ state, waitEvent, waitEventType }) =>
      waitEvent === null || (state !== "active" && waitEvent === "ClientRead") ? "" : `${waitEventType}:${waitEvent}`,
    most: 24,
    goes: 4
  },
  { name: "blocked by", of: ({ blockedBy }) => blockedBy.map((pid) => pid === 0 ? "prepared" : pid).join(), most: 16 }
]

/** A statement of less is no help. */
const leastStatement = 24

/** A server's clock that was set back makes no age. */
const age = (ms: number | null): string => ms === null ? "" : elapsed(Math.max(0, ms))

const longestFirst = (a: number | null, b: number | null): number =>
  a === b ? 0 : a === null ? 1 : b === null ? -1 : b - a

const orders: Readonly<Record<Sort, (a: Session, b: Session) => number>> = {
  transaction: (a, b) => longestFirst(a.transactionMs, b.transactionMs),
  query: (a, b) => longestFirst(a.queryMs, b.queryMs),
  waiting: (a, b) =>
    Number(b.blockedBy.length > 0) - Number(a.blockedBy.length > 0)
    || Number(b.waitEvent !== null) - Number(a.waitEvent !== null)
    || longestFirst(a.queryMs, b.queryMs)
}

/** Text of others on a line of ours; `more` stands for what was cut off. */
export const fit = (text: string, width: number, more: string): string =>
  cut(text, Math.max(0, width), width <= more.length ? "" : more)

const statement = ({ query, workers }: Session): string =>
  plain(`${workers === 0 ? "" : `(+${workers} workers) `}${query ?? ""}`)

/** The head first. Without a limit all of `sessions`; with one as many lines, the last of which may say how many more. */
export const sessionLines = (
  sessions: Top["sessions"],
  options: { readonly sort: Sort; readonly width: number; readonly height?: number; readonly more: string }
): ReadonlyArray<string> => {
  const { height = Number.POSITIVE_INFINITY, more, sort, width } = options
  if (sessions.items.length === 0) return []
  const sorted = sessions.items.toSorted((a, b) => orders[sort](a, b) || a.pid - b.pid)
  const room = Math.max(0, height - 1)
  const rows = sorted.slice(0, sessions.total > room ? Math.max(0, room - 1) : room)
  const cells = columns.map((column) => ({
    ...column,
    texts: rows.map((session) => fit(plain(column.of(session)), column.most, more))
  })).filter(({ name, texts }) =>
    // One that says the same everywhere says nothing.
    name === "database" ? new Set(texts).size > 1 : name === "pid" || texts.some((text) => text !== "")
  ).map((column) => ({
    ...column,
    width: column.texts.reduce((most, text) => Math.max(most, widthOf(text)), column.name.length)
  }))
  const taken = () => cells.reduce((sum, column) => sum + column.width + 2, 0)
  while (width - taken() < leastStatement) {
    const gone = cells.filter(({ goes }) => goes !== undefined)
      .toSorted((a, b) => (a.goes ?? 0) - (b.goes ?? 0))[0]
    if (gone === undefined) break
    cells.splice(cells.indexOf(gone), 1)
  }
  const lineOf = (textAt: (column: (typeof cells)[number]) => string, last: string): string =>
    fit(
      [...cells.map((column) => padded(textAt(column), column.width, column.align ?? "left")), last].join("  ")
        .trimEnd(),
      width,
      more
    )
  return [
    lineOf(({ name }) => name, "statement"),
    ...rows.map((session, at) => lineOf(({ texts }) => texts[at] ?? "", statement(session))),
    ...(rows.length < sessions.total ? [fit(`and ${sessions.total - rows.length} more`, width, more)] : [])
  ].slice(0, height)
}
