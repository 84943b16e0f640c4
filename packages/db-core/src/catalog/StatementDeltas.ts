/**
 * Which statements cost the most in a span of time, whatever has happened to `pg_stat_statements` meanwhile.
 *
 * The extension counts from its last reset, and loses all of it with a crash or when a serverless compute suspends. Here
 * what its counters grow by from one look to the next is added up by the hour, in tables of the same database. So it
 * survives resets by others, restarts and suspensions, and nobody's counters have to be reset. What ran between the last
 * look and the end of the counters is lost; nothing is counted twice.
 *
 * `migration/StatementDeltas.ts` makes the tables. Every process may look: within a minute one of them does.
 */
import { sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Database, type TransactionHandle } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { statementOf } from "../telemetry/Fingerprint.ts"
import { Catalog } from "./Catalog.ts"
import { type Answer, available, type Unavailable, unavailable } from "./CatalogQuery.ts"
import type { ServerFacts } from "./ServerFacts.ts"
import * as Store from "./statementStoreQueries.ts"
import { needsStatements } from "./statementTotals.ts"

/** Between two looks, at least. Milliseconds. */
export const defaultInterval = 60_000

/** Of each hour the statements that took longest; the others are kept as one. Bounds the store with the days kept. */
export const keptPerHour = 200

/** Hours of these days are kept: at most 720 times 201 rows, some 30 MB. */
export const keptDays = 30

export type Sampled =
  /** `statements` ran since the last look. */
  | {
    readonly _tag: "Sampled"
    readonly statements: number
    /**
     * - `delta`: counted from the last look on.
     * - `reset`: the counters had begun anew since then.
     * - `baseline`: the first look, or one at counters of another server; nothing to compare them with.
     */
    readonly how: "delta" | "reset" | "baseline"
    /** Entries that had to make room: what they counted since the last look is lost. Null when nobody knows. */
    readonly evictions: number | null
  }
  /** `recent`: another look was less than the interval ago. `busy`: another process is at it, or the counters were reset meanwhile. */
  | { readonly _tag: "Skipped"; readonly because: "recent" | "busy" }
  | { readonly _tag: "Unavailable"; readonly unavailable: Unavailable }

type Tx = Pick<TransactionHandle<Database["Service"]["relations"]>, "execute">

const rows = <Row>(tx: Tx, statement: string): Effect.Effect<ReadonlyArray<Row>, DbError> =>
  Effect.map(
    tx.execute<Record<string, unknown>>(sql.raw(statement)),
    // What its columns are only the statement says: `Row` is that.
    ({ rows }) => rows as ReadonlyArray<unknown> as ReadonlyArray<Row>
  )

const first = <Row>(tx: Tx, statement: string): Effect.Effect<Row | undefined, DbError> =>
  Effect.map(rows<Row>(tx, statement), ([row]) => row)

const needsStore = unavailable("statistics", "nothing is kept here yet: run emsdb init")

const missing = (server: ServerFacts): Unavailable | undefined =>
  needsStatements(server) ?? (
    server.isStandby
      ? unavailable("backend", "a standby cannot keep anything: ask its primary")
      // Entries that come and go with the role that looks would be taken for new ones.
      : server.seesAllStats
      ? undefined
      : unavailable("privilege", "needs to see all statements: grant pg_read_all_stats")
  )

const keepTexts = Effect.fnUntraced(function*(tx: Tx, server: ServerFacts) {
  const queries = yield* rows<{ query: string }>(tx, Store.missingTexts)
  if (queries.length === 0) return
  const texts = yield* rows<{ query: string; text: string }>(
    tx,
    Store.textsOf(server, queries.map(({ query }) => query))
  )
  const kept = texts.map(({ query, text }) => {
    const { fingerprint } = statementOf(text)
    return { query, fingerprint: fingerprint.id, text: fingerprint.text }
  })
  const [before = "", after = ""] = Store.insertTexts.split("$")
  yield* tx.execute(sql`${sql.raw(before)}${JSON.stringify(kept)}${sql.raw(after)}`)
})

/** The counters were reset while they were read: what was read belongs to neither. */
const moved = "moved" as const

const take = Effect.fnUntraced(function*(tx: Tx, server: ServerFacts, interval: number) {
  const skipped = (because: "recent" | "busy"): Sampled => ({ _tag: "Skipped", because })
  if ((yield* first<{ present: boolean }>(tx, Store.storePresent))?.present !== true) {
    return { _tag: "Unavailable", unavailable: needsStore } satisfies Sampled
  }
  if ((yield* first<{ locked: boolean }>(tx, Store.lockStore))?.locked !== true) return skipped("busy")
  const state = yield* first<Store.StoreState>(tx, Store.storeState(server))
  if (state === undefined) return skipped("busy")
  if (state.elapsedMs !== null && state.elapsedMs < interval) return skipped("recent")
  const how = state.elapsedMs === null || (state.isReset && !state.isResetSince)
    ? "baseline"
    : state.isReset
    ? "reset"
    : "delta"
  const taken = yield* first<{ statements: number }>(tx, Store.takeSample(server, how))
  const after = yield* first<Pick<Store.StoreState, "countedSince">>(tx, Store.countedSince(server))
  if (after?.countedSince !== state.countedSince) return yield* Effect.fail(moved)
  yield* tx.execute(sql.raw(Store.foldHour(keptPerHour)))
  yield* tx.execute(sql.raw(Store.forgetHours(keptDays)))
  yield* tx.execute(sql.raw(Store.forgetTexts))
  yield* keepTexts(tx, server)
  return { _tag: "Sampled", statements: taken?.statements ?? 0, how, evictions: state.evictions } satisfies Sampled
})

/**
 * Looks at the counters and keeps what they have grown by, in one transaction within `DbConfig.queryTimeout`. Does
 * nothing when somebody did within `intervalMs` (default 60 s). Call it every few minutes, and before the process ends.
 */
export const sample = Effect.fnUntraced(function*(
  { intervalMs = defaultInterval }: { readonly intervalMs?: number } = {}
): Effect.fn.Return<Sampled, DbError, Catalog | Database> {
  const catalog = yield* Catalog
  const database = yield* Database
  const server = yield* catalog.server
  const lacking = missing(server)
  if (lacking !== undefined) return { _tag: "Unavailable", unavailable: lacking }
  return yield* Effect.catchIf(
    database.transaction((tx) => take(tx, server, intervalMs)),
    (error): error is typeof moved => error === moved,
    () => Effect.succeed<Sampled>({ _tag: "Skipped", because: "busy" })
  )
})

export interface TopStatement {
  /** Null for those together that were too small to be kept. */
  readonly queryId: string | null
  /** Null when the role is gone. */
  readonly user: string | null
  /** As the data layer's own statistics call it. */
  readonly fingerprint: string | null
  /** Its normal form, without values. */
  readonly query: string | null
  readonly calls: number
  readonly totalMs: number
  readonly meanMs: number
  readonly rows: number
  readonly sharedHitBlocks: number
  readonly sharedReadBlocks: number
  readonly tempBlocks: number
  readonly walBytes: number
  /** Of what is ordered by, in the whole span: from 0 to 1. Null where that is 0. */
  readonly share: number | null
  /** ISO instants: the beginnings of the first and the last hour in which it ran. */
  readonly firstHour: string
  readonly lastHour: string
}

export interface TopOptions {
  /** Milliseconds since the epoch; the hour that it lies in counts whole. */
  readonly since: number
  /** Default: now. */
  readonly until?: number
  /** Default `ms`. */
  readonly by?: Store.Order
  /** Default 50, at most 1000. */
  readonly limit?: number
}

/** The statements of the span, the dearest first, those together that were not kept last. */
export const top = Effect.fnUntraced(function*(
  { by = "ms", limit = 50, since, until }: TopOptions
): Effect.fn.Return<Answer<TopStatement>, DbError, Database> {
  const database = yield* Database
  const now = yield* Clock.currentTimeMillis
  const present = yield* database.query((db) => first<{ present: boolean }>(db, Store.storePresent))
  if (present?.present !== true) return { isAvailable: false, unavailable: needsStore }
  const most = Math.min(Math.max(Math.trunc(limit), 1), 1000)
  const found = yield* database.query((db) =>
    rows<TopStatement>(db, Store.topStatements(by, since, until ?? now, most))
  )
  return available(found)
})
