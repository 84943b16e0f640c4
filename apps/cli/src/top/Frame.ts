/**
 * The picture of one moment: lines for a screen, none wider than it and no more than it has. Pure.
 *
 * Figures that are not known are a dash. Names of users and applications are anybody's to choose: they come through
 * `plain`.
 */
import type { Top } from "@ems/schema/contract/Top"
import { bytes, count, elapsed, percent, shortFigure } from "../Output.ts"
import type { Screen } from "../Screen.ts"
import { bold, plain, widthOf } from "../Table.ts"
import { fit, sessionLines } from "./SessionTable.ts"
import type { Sort } from "./View.ts"

export interface FrameScreen extends Screen {
  /** Lines; without it, as in a file, there are as many as it takes. */
  readonly height?: number
}

/** What a live view adds to what it shows. */
export interface Manner {
  readonly sort: Sort
  readonly intervalMs: number
  readonly isPaused: boolean
  /** Since when the server says nothing, for how long, and what is known of it. */
  readonly silence?: { readonly since: string; readonly forMs: number; readonly text: string } | undefined
}

/** Width of the words in front of the lines. */
const indent = 13

const marks = { ascii: "...", unicode: "…" } as const

/** A piece that is longer than a line, at its spaces. */
const broken = (piece: string, room: number): ReadonlyArray<string> => {
  if (widthOf(piece) <= room) return [piece]
  const lines: Array<string> = []
  for (const word of piece.split(" ")) {
    const longer = `${lines.at(-1) ?? ""} ${word}`
    if (lines.length > 0 && widthOf(longer) <= room) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

/** Pieces beside each other behind a word, going on below where the line ends. */
const flow = (label: string, pieces: ReadonlyArray<string>, { border, width }: Screen): ReadonlyArray<string> => {
  const isNarrow = width < 3 * indent
  const lines: Array<string> = []
  let line = isNarrow ? label : label.padEnd(indent)
  let isEmpty = true
  const room = width - (isNarrow ? 2 : indent)
  for (const piece of pieces.filter((text) => text !== "").flatMap((text) => broken(text, room))) {
    const space = isEmpty && !isNarrow ? "" : "  "
    if (!isEmpty && widthOf(line + space + piece) > width) {
      lines.push(line)
      line = isNarrow ? `  ${piece}` : " ".repeat(indent) + piece
    } else line += space + piece
    isEmpty = false
  }
  return [...lines, line].map((text) => fit(text.trimEnd(), width, marks[border]))
}

const known = (figure: number | null, text: (figure: number) => string): string => figure === null ? "-" : text(figure)

/** Below ten with a decimal: one transaction in five seconds is not none. */
const rate = (figure: number | null): string =>
  known(figure, (each) => each > 0 && each < 9.95 ? each.toFixed(1) : shortFigure(each))

const rateLines = ({ rates }: Top, screen: Screen): ReadonlyArray<string> =>
  flow("rates", [
    `${rate(rates.transactions)} transactions/s`,
    `${rate(rates.rollbacks)} rollbacks/s`,
    `${rate(rates.rowsRead)} rows read/s`,
    `${rate(rates.rowsWritten)} rows written/s`,
    `${known(rates.cacheHitRatio, percent)} cache hits`,
    `${known(rates.temporaryBytes, (each) => bytes(Math.round(each)))}/s temporary`,
    `${known(rates.walBytes, (each) => bytes(Math.round(each)))}/s WAL`
  ], screen)

const connectionLines = ({ connections, pool }: Top, screen: Screen): ReadonlyArray<string> => [
  ...(connections === null ? [] : flow("connections", [
    `${connections.used} of ${connections.limit}, ${connections.left} left`,
    ...connections.states.map(({ count, state }) => `${count} ${state ?? "not shown"}`)
  ], screen)),
  ...(pool === null ? [] : flow("pool", [
    `${pool.acquired} of ${pool.max} in use`,
    `${pool.idle} idle`,
    `${pool.waiting} waiting`
  ], screen))
]

const rootPieces = (root: Top["blocking"]["roots"][number]): ReadonlyArray<string> => {
  const { application, longestWaitMs, pid, state, transactionMs, user, victims, waiters } = root
  const who = [user, application, state].filter((text) => text !== null && text !== "").join(", ")
  return [
    plain(
      `${pid === 0 ? "a prepared transaction" : `pid ${pid}`}${who === "" ? "" : ` (${who})`} holds up ${
        count(victims, "session")
      }${longestWaitMs === null ? "" : ` for ${elapsed(Math.max(0, longestWaitMs))}`}: ${waiters.join(", ")}`
    ),
    transactionMs === null ? "" : `transaction open for ${elapsed(Math.max(0, transactionMs))}`
  ]
}

const blockingLines = ({ blocking }: Top, screen: FrameScreen): ReadonlyArray<string> => {
  // So that of a small screen the sessions have their part.
  const most = screen.height === undefined ? blocking.roots.length : Math.max(1, Math.floor(screen.height / 6))
  const texts = [
    ...blocking.roots.slice(0, most).map(rootPieces),
    ...(blocking.total > most ? [[`${blocking.total - most} more hold others up`]] : []),
    ...blocking.cycles.slice(0, most).map((pids) => [`deadlock, not found yet: ${[...pids, pids[0]].join(" -> ")}`])
  ]
  return texts.length === 0
    ? flow("blocking", ["none"], screen)
    : texts.flatMap((text, at) => flow(at === 0 ? "blocking" : "", text, screen))
}

const waitLines = ({ waits }: Top, screen: Screen): ReadonlyArray<string> =>
  flow("waits", waits.length === 0 ? ["none"] : waits.map((wait) => `${wait.count} ${wait.type}:${wait.event}`), screen)

const missing = ({ unavailableParts }: Top, part: string): boolean => unavailableParts.some((one) => one.part === part)

/** Why a part is missing, said once for all parts that it is missing from. */
const noteLines = ({ notes, unavailableParts }: Top, screen: Screen): ReadonlyArray<string> => [
  ...[...new Set(unavailableParts.map(({ text }) => text))].flatMap((text) =>
    flow("not known", [
      `${unavailableParts.filter((one) => one.text === text).map(({ part }) => part).join(", ")}: ${plain(text)}`
    ], screen)
  ),
  ...notes.flatMap((note) => flow("note", [plain(note)], screen))
]

/** `18.4` of 180004. */
const versionOf = (version: number): string => `${Math.floor(version / 10_000)}.${version % 10_000}`

const clockOf = (iso: string): string => `${iso.slice(11, 19)}Z`

const titleLines = ({ databaseBytes, server, timestamp }: Top, manner: Manner | undefined, screen: Screen) =>
  flow("emsdb top", [
    clockOf(timestamp),
    plain(server.database),
    `Postgres ${versionOf(server.version)}${server.isStandby ? ", a standby" : ""}`,
    `up ${elapsed(Math.max(0, server.uptimeMs))}`,
    databaseBytes === null ? "" : bytes(databaseBytes),
    ...(manner === undefined ? [] : [manner.isPaused ? "PAUSED" : `every ${manner.intervalMs / 1000} s`])
  ], screen)

const silenceLines = (manner: Manner | undefined, screen: Screen): ReadonlyArray<string> => {
  if (manner?.silence === undefined) return []
  const { forMs, since, text } = manner.silence
  return flow("no answer", [
    `since ${clockOf(since)}, for ${elapsed(Math.max(0, forMs))}`,
    plain(text),
    manner.isPaused ? "" : "trying again"
  ], screen).map((line) => screen.hasColor ? `\u001B[7m${line}\u001B[27m` : line)
}

/** All lines of the moment; `manner` is the live view's, and without it there is nothing about keys. */
export const frame = (top: Top, screen: FrameScreen, manner?: Manner): ReadonlyArray<string> => {
  const { height } = screen
  const [title = "", ...titles] = titleLines(top, manner, screen)
  const head = [
    bold(title, screen),
    ...titles,
    ...silenceLines(manner, screen),
    ...rateLines(top, screen),
    ...connectionLines(top, screen),
    ...(missing(top, "waits") ? [] : waitLines(top, screen)),
    ...(missing(top, "blocking") ? [] : blockingLines(top, screen)),
    ...noteLines(top, screen),
    ""
  ]
  const keys = manner === undefined
    ? []
    : flow("keys", ["q quit", "space pause", `s sort: ${manner.sort}`, "+ - interval"], screen).slice(0, 1)
  const [names, ...rows] = sessionLines(top.sessions, {
    sort: manner?.sort ?? "transaction",
    width: screen.width,
    more: marks[screen.border],
    ...(height === undefined ? {} : { height: Math.max(0, height - head.length - keys.length) })
  })
  const body = names === undefined
    ? (missing(top, "sessions") ? [] : [fit("nobody is at work", screen.width, marks[screen.border])])
    : [bold(names, screen), ...rows]
  if (height === undefined) return [...head, ...body]
  const shown = [...head, ...body].slice(0, Math.max(0, height - keys.length))
  return [...shown, ...Array<string>(Math.max(0, height - keys.length - shown.length)).fill(""), ...keys].slice(
    0,
    height
  )
}
