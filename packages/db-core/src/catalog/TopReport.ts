/**
 * The server and who works in it at one instant, asked for again and again: one round trip a look.
 *
 * What the server is, is asked for once, and again after a failure: behind the same name there may be another one.
 */
import { sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Database } from "../connection/Database.ts"
import { DbError } from "../errors/DbError.ts"
import { rowsOf } from "./AnswerParts.ts"
import { type BlockingTree, forestOf } from "./BlockingTrees.ts"
import { Catalog } from "./Catalog.ts"
import { needsSessions, type Unavailable } from "./CatalogQuery.ts"
import type { ServerFacts } from "./ServerFacts.ts"
import { type ServerSample, serverSample } from "./serverSample.ts"
import { databaseSize } from "./sizes.ts"

/** Postgres adds up the size of every file of the database: not at each look. Milliseconds. */
const sizeEvery = 60_000

/** Roots that are shown, and of each those who wait for it. */
const mostRoots = 20

/** How large the database is, or why nobody knows. */
type Size = { readonly bytes: number } | { readonly unavailable: Unavailable }

/** The longest wait below `tree`. Without recursion: a queue is as deep as it is long. */
const longestWait = (tree: BlockingTree): number | null => {
  let longest: number | null = null
  const open = [...tree.children]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { waitedMs } = next.session
    if (waitedMs !== null && (longest === null || waitedMs > longest)) longest = waitedMs
    open.push(...next.children)
  }
  return longest
}

const rootOf = (tree: BlockingTree) => {
  const { application, pid, state, transactionMs, user } = tree.session
  return {
    pid,
    user,
    application,
    state,
    transactionMs,
    victims: tree.victims,
    longestWaitMs: longestWait(tree),
    waiters: tree.children.slice(0, mostRoots).map(({ session }) => session.pid)
  }
}

const countersOf = (now: ServerSample) => ({
  atMs: now.sampledMs,
  since: now.statisticsSince,
  commits: now.commits,
  rollbacks: now.rollbacks,
  rowsRead: now.rowsRead,
  rowsInserted: now.rowsInserted,
  rowsUpdated: now.rowsUpdated,
  rowsDeleted: now.rowsDeleted,
  blocksHit: now.blocksHit,
  blocksRead: now.blocksRead,
  temporaryBytes: now.temporaryBytes,
  walBytes: now.walBytes
})

const topOf = (now: ServerSample, server: ServerFacts, size: Size) => {
  const { cycles, roots } = forestOf(now.blocking)
  const blockers = new Map(now.blocking.map(({ blockedBy, pid }) => [pid, blockedBy]))
  const alone = needsSessions(server)
  const limit = Math.max(0, now.maxConnections - now.reservedConnections)
  return {
    timestamp: now.timestamp,
    server: {
      database: now.database,
      version: server.version,
      isStandby: now.isStandby,
      startedAt: now.startedAt,
      uptimeMs: now.uptimeMs
    },
    databaseBytes: "bytes" in size ? size.bytes : null,
    counters: countersOf(now),
    connections: alone === undefined
      ? {
        used: now.connections,
        limit,
        reserved: now.reservedConnections,
        left: Math.max(0, limit - now.connections),
        states: now.states
      }
      : null,
    waits: alone === undefined ? now.waits : [],
    blocking: { roots: roots.slice(0, mostRoots).map(rootOf), total: roots.length, cycles: cycles.slice(0, mostRoots) },
    sessions: {
      items: now.sessions.map((session) => ({ ...session, blockedBy: blockers.get(session.pid) ?? [] })),
      total: now.sessionCount
    },
    unavailableParts: [
      ...("unavailable" in size ? [{ part: "databaseBytes" as const, ...size.unavailable }] : []),
      ...(alone === undefined
        ? []
        : (["connections", "waits", "blocking", "sessions"] as const).map((part) => ({ part, ...alone })))
    ],
    notes: serverSample.notes?.(server) ?? []
  }
}

type TopSample = ReturnType<typeof topOf>

/** Looks when it is told to. */
export const topSampler = Effect.gen(function*() {
  const catalog = yield* Catalog
  const database = yield* Database
  let facts: ServerFacts | undefined
  let size: { readonly of: Size; readonly at: number } | undefined

  const sizeNow = Effect.fnUntraced(function*() {
    const now = yield* Clock.currentTimeMillis
    if (size !== undefined && Math.abs(now - size.at) < sizeEvery) return size.of
    const answer = yield* catalog.read(databaseSize)
    const of = answer.isAvailable
      ? { bytes: rowsOf(answer)[0]?.bytes ?? 0 }
      : { unavailable: answer.unavailable }
    size = { of, at: now }
    return of
  })

  const look: Effect.Effect<TopSample, DbError> = Effect.gen(function*() {
    facts ??= yield* catalog.server
    const text = serverSample.sql(facts)
    const { rows: [row] } = yield* database.query((db) =>
      db.execute<ServerSample & Record<string, unknown>>(sql.raw(text))
    )
    if (row === undefined) {
      return yield* DbError.of("ServerError", "Refused", "top", { message: "the database is not in pg_stat_database" })
    }
    const sample = serverSample.shown?.(row) ?? row
    return topOf(sample, facts, yield* sizeNow())
  })
  return Effect.tapError(look, () =>
    Effect.sync(() => {
      facts = undefined
    }))
})
