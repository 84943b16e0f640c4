import { activity } from "@ems/db-core/catalog/activity"
import { pageOfAnswer } from "@ems/db-core/catalog/AnswerPage"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import type { Answer } from "@ems/db-core/catalog/CatalogQuery"
import * as StatementDeltas from "@ems/db-core/catalog/StatementDeltas"
import { countedStatements, type StatementWindow } from "@ems/db-core/catalog/StatementReport"
import { DbConfig } from "@ems/db-core/config/DbConfig"
import { Activity as ActivityPage, type Session as SessionContract } from "@ems/schema/contract/Activity"
import { Queries, type ServerQuery } from "@ems/schema/contract/Queries"
import { type RunningStatement, Slow } from "@ems/schema/contract/Slow"
import { SlowQueries } from "@ems/schema/contract/SlowQueries"
import type { Unavailable } from "@ems/schema/contract/Unavailable"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Api } from "../api/Api.ts"
import { Findings } from "../Findings.ts"
import { duration, elapsed, instant, print, shortFigure } from "../Output.ts"
import { type Screen, screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { either, type SourceFlags } from "./Source.ts"

type Session = typeof SessionContract.Type

interface SlowFlags extends SourceFlags {
  readonly threshold: Option.Option<number>
  readonly window: StatementWindow
  readonly limit: number
}

/** Somebody who asks wants to see what ran until now. Milliseconds. */
const sinceLastLook = 1000

/** A session, as the database and an API tell of it. */
type Seen =
  & Omit<RunningStatement, "next" | "queryMs">
  & Pick<Session, "backendType" | "isOwn" | "leaderPid" | "queryMs">

/**
 * What a client runs. Standbys and autovacuum are not slow: they run for as long as they have work. A worker is told by
 * its leader.
 */
const isOfClient = ({ backendType, isOwn, leaderPid, state }: Seen): boolean =>
  state === "active" && backendType === "client backend" && leaderPid === null && !isOwn

const runningFrom = (sessions: ReadonlyArray<Seen>, thresholdMs: number): ReadonlyArray<RunningStatement> => {
  // What runs in another database is none of ours to end, and its statements cannot be explained here.
  const database = sessions.find(({ isOwn }) => isOwn)?.database
  return sessions.flatMap((row) =>
    row.queryMs === null || row.queryMs < thresholdMs || !isOfClient(row) ||
      (database !== undefined && row.database !== database)
      ? []
      : [{
        ...row,
        // The server's clock may have been set back.
        queryMs: Math.max(0, row.queryMs),
        // Who waits is not the one to end.
        next: row.isBlocked ? "emsdb locks" : `emsdb cancel ${row.pid}`
      }]
  )
}

interface Asked {
  readonly thresholdMs: number
  readonly window: StatementWindow
  readonly limit: number
}

/** Of what was found the slow ones, the slowest first. */
const slowOf = (
  { limit, thresholdMs, window }: Asked,
  sessions: Answer<Seen>,
  counted: Answer<ServerQuery>,
  process: SlowQueries | null
): Slow => ({
  thresholdMs,
  window,
  running: pageOfAnswer(
    sessions.isAvailable ? { ...sessions, rows: runningFrom(sessions.rows, thresholdMs) } : sessions,
    { limit, sort: "-query" },
    { query: ({ queryMs }) => queryMs }
  ),
  counted: pageOfAnswer(
    counted.isAvailable
      // All those together that were too small to be kept are no statement.
      ? { ...counted, rows: counted.rows.filter(({ meanMs, queryId }) => queryId !== null && meanMs >= thresholdMs) }
      : counted,
    { limit, sort: "-mean" },
    { mean: ({ meanMs }) => meanMs }
  ),
  process
})

const ofDatabase = Effect.fnUntraced(function*({ threshold, ...flags }: SlowFlags) {
  const { slowQuery } = yield* DbConfig
  const asked = { ...flags, thresholdMs: Option.getOrElse(threshold, () => slowQuery) }
  // What ran since the last look is counted too. Where nothing can be kept, the report says what is known.
  yield* Effect.ignore(StatementDeltas.sample({ intervalMs: sinceLastLook }))
  const counted = yield* countedStatements(flags.window)
  return slowOf(asked, yield* Catalog.use(({ read }) => read(activity)), counted, null)
})

/** Of a list that an API gives, as many as it gives at once. */
const most = 200

const answerOf = <Row>(
  { items, notes, unavailable }: {
    readonly items: ReadonlyArray<Row>
    readonly notes: ReadonlyArray<string>
    readonly unavailable: Unavailable | null
  }
): Answer<Row> => {
  if (unavailable === null) return { isAvailable: true, rows: items, notes }
  const { because, text } = unavailable
  // No list of the server's is answered from files.
  return { isAvailable: false, unavailable: { because: because === "files" ? "failed" : because, text } }
}

const ofApi = Effect.fnUntraced(function*({ ask }: Api, { threshold, ...flags }: SlowFlags) {
  const kept = yield* ask(SlowQueries, {
    path: "api/db/slow-queries",
    query: { sort: "-duration", limit: flags.limit, threshold: Option.getOrUndefined(threshold) }
  })
  const sessions = yield* ask(ActivityPage, {
    path: "api/db/activity",
    query: { state: "active", sort: "-query", limit: most }
  })
  const counted = yield* ask(Queries.members[1], {
    path: "api/db/queries",
    query: { source: "server", window: flags.window, sort: "-mean", limit: most }
  })
  const asked = { ...flags, thresholdMs: Option.getOrElse(threshold, () => kept.slowQueryMs) }
  return slowOf(asked, answerOf(sessions), answerOf(counted), kept)
})

const waitOf = ({ isBlocked, waitEvent, waitEventType }: RunningStatement): string | null =>
  isBlocked ? "a lock" : waitEvent === null ? null : `${waitEventType} ${waitEvent}`

const moreOf = ({ items, total }: { readonly items: ReadonlyArray<unknown>; readonly total: number }) =>
  items.length < total ? [`${items.length} of ${total}; --limit shows more`] : []

const runningLines = ({ running }: Slow, width: Screen): ReadonlyArray<string> => {
  if (running.unavailable !== null) return [`not available: ${running.unavailable.text}`]
  if (running.items.length === 0) return ["none"]
  const rows = table(running.items, [
    { name: "pid", of: ({ pid }) => pid, align: "right" },
    { name: "runs for", of: ({ queryMs }) => elapsed(queryMs), align: "right" },
    { name: "waits for", of: waitOf, shrinksTo: 8 },
    { name: "user", of: ({ user }) => user, shrinksTo: 8 },
    { name: "next", of: ({ next }) => next },
    { name: "statement", of: ({ query }) => query, shrinksTo: 20 }
  ], width)
  return [...rows, ...moreOf(running)]
}

const countedLines = ({ counted }: Slow, width: Screen): ReadonlyArray<string> => {
  if (counted.unavailable !== null) return [`not available: ${counted.unavailable.text}`]
  if (counted.items.length === 0) return ["none"]
  const rows = table(counted.items, [
    { name: "mean", of: ({ meanMs }) => elapsed(meanMs), align: "right" },
    { name: "calls", of: ({ calls }) => shortFigure(calls), align: "right" },
    { name: "total", of: ({ totalMs }) => elapsed(totalMs), align: "right" },
    { name: "rows", of: ({ rows }) => shortFigure(rows), align: "right" },
    { name: "user", of: ({ user }) => user, shrinksTo: 8 },
    { name: "statement", of: ({ text }) => text, shrinksTo: 24 }
  ], width)
  return [
    ...rows,
    ...moreOf(counted),
    "next: emsdb explain '<statement>', with $1, $2, ... where ? stands, says how the server runs one"
  ]
}

/** What the API's process sent itself, with who asked for it. */
const processLines = ({ process }: Slow, width: Screen): ReadonlyArray<string> =>
  process === null ? [] : [
    "",
    `of the API's process, the slowest of the last ${process.kept}:`,
    ...(process.items.length === 0 ? ["none"] : table(process.items, [
      { name: "took", of: ({ durationMs }) => elapsed(durationMs), align: "right" },
      { name: "at", of: ({ at }) => instant(at) },
      { name: "rows", of: ({ rows }) => shortFigure(rows), align: "right" },
      { name: "error", of: ({ error }) => error, shrinksTo: 8 },
      { name: "caller", of: ({ caller }) => caller, shrinksTo: 12 },
      { name: "statement", of: ({ name, text }) => name ?? text, shrinksTo: 20 }
    ], width)),
    ...moreOf(process)
  ]

const windowNames: Readonly<Record<StatementWindow, string>> = {
  "1h": "the last hour",
  "24h": "the last day",
  all: "all that is kept"
}

const lines = (slow: Slow, width: Screen): ReadonlyArray<string> => [
  `running for ${duration(slow.thresholdMs)} or more:`,
  ...runningLines(slow, width),
  "",
  `with a mean of ${duration(slow.thresholdMs)} or more, in ${windowNames[slow.window]}:`,
  ...countedLines(slow, width),
  ...processLines(slow, width),
  ...new Set([...slow.running.notes, ...slow.counted.notes])
]

export const runSlow = Effect.fn("emsdb.slow")(function*({ json, ...flags }: SlowFlags & { readonly json: boolean }) {
  const slow: Slow = yield* either(flags, (api) => ofApi(api, flags), ofDatabase(flags))
  yield* print(Slow, slow, { json, lines: lines(slow, yield* screen) })
  if (slow.running.unavailable !== null && slow.counted.unavailable !== null) {
    return yield* new Findings({ verdict: "findings" })
  }
})
