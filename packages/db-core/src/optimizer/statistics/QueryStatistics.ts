/**
 * What ran, how often and how long, by fingerprint: fed by every statement, in bounded memory, without a value of any
 * of them. Slow ones are logged, once a minute for each fingerprint.
 *
 * Built below `Database`, which feeds it through `StatementHooks`; what asks the server itself is in `QueryPlans.ts`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Tracer from "effect/Tracer"
import { DbConfig } from "../../config/DbConfig.ts"
import { isShareable } from "../../driver/Lane.ts"
import type { StatementHooksShape, StatementOutcome } from "../../driver/StatementHooks.ts"
import { type Statement, statementOf } from "../../telemetry/Fingerprint.ts"
import { OperationDurations } from "../../telemetry/OperationDuration.ts"
import { StatementTexts } from "../../telemetry/StatementTexts.ts"
import { followed, type Plan } from "./PlanShape.ts"
import type { CacheCounter, QueryEntry } from "./QueryEntry.ts"
import { type Figures, figuresOf, type Order, type QueryFigures, queryFigures, topOf } from "./QueryFigures.ts"
import { type Labels, QueryLabels } from "./QueryLabels.ts"
import { type PageOptions, type QueryPage, queryPage } from "./QueryPage.ts"
import { redact, SlowQueries, type SlowQuery } from "./SlowQueries.ts"
import { TrackedQueries } from "./TrackedQueries.ts"
import type { Window } from "./Windows.ts"

/** A slow fingerprint is logged once in this time. Milliseconds. */
const logEvery = 60_000

/** Slow reads that wait for their plan to be asked for; of more, the oldest are dropped. */
const mostSamples = 16

/** A slow read with its text as it was sent: for asking the server, and for nobody else. */
export interface SlowSample {
  readonly id: string
  readonly sql: string
  readonly parameterCount: number
}

export interface Totals extends Figures {
  /** Told apart now. */
  readonly fingerprints: number
  /** Counted as `other` since start or reset. */
  readonly forgotten: number
  /** Start or reset. Milliseconds since the epoch. */
  readonly since: number
}

export interface QueryStatisticsShape {
  /** To be given every statement. */
  readonly hooks: Pick<StatementHooksShape, "isPrecise" | "outcome">
  /** Counts a statement that failed before a connection had it. */
  readonly unsent: StatementHooksShape["unsent"]
  /** Where the cache counts what becomes of `sql`. To be asked for once for each prepared query, and kept. */
  readonly cacheCounter: (sql: string) => CacheCounter
  /** Queries of a window (default `hour`), the highest first (default by `total` time), `limit` of them (default 20). */
  readonly top: (options?: {
    readonly window?: Window
    readonly by?: Order
    readonly limit?: number
  }) => Effect.Effect<ReadonlyArray<QueryFigures>>
  /** A part of the same list, and how long it is. */
  readonly page: (options: PageOptions) => Effect.Effect<QueryPage>
  /** One query; its figures are of `window`, by default of all time. */
  readonly get: (id: string, window?: Window) => Effect.Effect<QueryFigures | undefined>
  /** All queries together; by default of all time. */
  readonly totals: (window?: Window) => Effect.Effect<Totals>
  /** The last statements that were slow and took at least `ms` (default all of them), the slowest first. */
  readonly slow: (ms?: number) => Effect.Effect<ReadonlyArray<SlowQuery>>
  /** Slow reads whose plan could be asked for. */
  readonly samples: Queue.Dequeue<SlowSample>
  /** Notes a plan. Warns when it has another shape than the one before. */
  readonly planned: (id: string, plan: Plan) => Effect.Effect<void>
  /** Begins anew. Metrics go on: who scrapes them expects counters that only grow. */
  readonly reset: Effect.Effect<void>
}

/** A text, and where it is counted. */
interface Known {
  readonly statement: Statement
  entry: QueryEntry | undefined
}

export class QueryStatistics extends Context.Service<QueryStatistics, QueryStatisticsShape>()(
  "@ems/db-core/optimizer/statistics/QueryStatistics"
) {
  static readonly layerNoDeps = () => Layer.effect(QueryStatistics, make)
}

/** The name of the nearest span that is not one of a call to the database. */
const spanName = (span: Tracer.AnySpan | undefined): string | undefined => {
  let found = span
  while (found?._tag === "Span" && found.kind === "client") found = Option.getOrUndefined(found.parent)
  return found?._tag === "Span" ? found.name : undefined
}

const make = Effect.gen(function*() {
  const config = yield* DbConfig
  const clock = yield* Clock.Clock
  const context = yield* Effect.context()
  const samples = yield* Queue.sliding<SlowSample>(mostSamples)
  const durations = new OperationDurations(config.target.database, context)
  yield* Effect.addFinalizer(() => Effect.sync(() => durations.close()))
  const now = () => clock.currentTimeMillisUnsafe()
  const tracked = new TrackedQueries(config.statisticsMax, durations, now())
  const slowQueries = new SlowQueries(config.slowQueriesKept)
  const texts = new StatementTexts<Known>((sql) => ({ statement: statementOf(sql), entry: undefined }))
  const wantsPlans = config.slowQueryPlans > 0
  let since = now()

  const entryOf = (known: Known, at: number): QueryEntry => {
    const { entry } = known
    return entry !== undefined && !entry.isForgotten
      ? entry
      : known.entry = tracked.entry(known.statement.fingerprint, at)
  }

  const label = (entry: QueryEntry, fiber: Fiber.Fiber<unknown, unknown>, labels: Labels): string | undefined => {
    if (labels.name !== undefined) entry.name = labels.name
    const caller = labels.caller ?? spanName(fiber.cache.span)
    if (caller !== undefined) entry.calledBy(caller)
    return caller
  }

  /** Out of the hot path. */
  const slow = (
    entry: QueryEntry,
    { durationMs, error, lane, params, rows, sql }: StatementOutcome,
    caller: string | undefined,
    at: number
  ): Effect.Effect<void> | undefined => {
    const { id, summary, text } = entry.fingerprint
    slowQueries.add({
      id,
      text,
      name: entry.name,
      caller,
      at,
      durationMs,
      rows,
      error: error?.reason._tag,
      parameters: redact(params),
      parameterCount: params.length
    })
    if (at < entry.logAgainAt) {
      entry.heldBack++
      return undefined
    }
    const { heldBack } = entry
    entry.heldBack = 0
    entry.logAgainAt = at + logEvery
    if (wantsPlans && isShareable(sql)) Queue.offerUnsafe(samples, { id, sql, parameterCount: params.length })
    return Effect.annotateLogs(Effect.logWarning(`slow ${summary}`), {
      fingerprint: id,
      ...(entry.name === undefined ? {} : { query: entry.name }),
      ...(caller === undefined ? {} : { caller }),
      ms: Math.round(durationMs * 100) / 100,
      rows,
      lane,
      outcome: error === undefined ? "ok" : error.reason._tag,
      heldBack
    })
  }

  const outcome = (finished: StatementOutcome): Effect.Effect<void> | undefined => {
    const { durationMs, error, fiber, rows, sql } = finished
    const known = texts.get(sql)
    const at = now()
    const entry = entryOf(known, at)
    const labels = fiber.getRef(QueryLabels)
    const isSlow = durationMs >= (labels.slowQuery ?? config.slowQuery)
    // A clock that is set back in between would count as a negative duration.
    const us = durationMs > 0 ? durationMs * 1000 : 0
    entry.record(at, us, rows, error !== undefined, isSlow)
    if (error === undefined) entry.succeeded.record(durationMs)
    else {
      entry.failed(error.reason._tag)
      durations.of(entry.fingerprint.operation, error.reason._tag).record(durationMs)
    }
    const caller = label(entry, fiber, labels)
    labels.listener?.heard(
      known.statement,
      { sql, params: finished.params, rows, durationMs, isError: error !== undefined },
      labels.name
    )
    return isSlow ? slow(entry, finished, caller, at) : undefined
  }

  const statistics: QueryStatisticsShape = {
    hooks: { isPrecise: true, outcome },
    unsent: (sql, _params, fiber, error) => {
      const at = now()
      const entry = entryOf(texts.get(sql), at)
      entry.unsent(at)
      entry.failed(error.reason._tag)
      label(entry, fiber, fiber.getRef(QueryLabels))
    },
    cacheCounter: (sql) => {
      const entry = entryOf(texts.get(sql), now())
      entry.isCached = true
      return entry.cache
    },
    top: ({ by = "total", limit = 20, window = "hour" } = {}) =>
      Effect.sync(() => topOf(tracked.all(), window, by, limit, now())),
    page: (options) => Effect.suspend(() => queryPage(tracked.all(), options, now())),
    get: (id, window = "all") =>
      Effect.sync(() => {
        const entry = tracked.get(id)
        return entry === undefined ? undefined : queryFigures(entry, entry.read(window, now()))
      }),
    totals: (window = "all") =>
      Effect.sync(() => ({
        ...figuresOf(tracked.sum(window, now())),
        fingerprints: tracked.size,
        forgotten: tracked.forgotten,
        since
      })),
    slow: (ms = 0) => Effect.sync(() => slowQueries.atLeast(ms)),
    samples,
    planned: (id, plan) =>
      Effect.suspend(() => {
        const entry = tracked.get(id)
        if (entry === undefined) return Effect.void
        const before = entry.plan
        entry.plan = followed(before, plan)
        if (before === undefined || before.latest.shape === plan.shape) return Effect.void
        return Effect.annotateLogs(Effect.logWarning(`plan changed: ${entry.fingerprint.summary}`), {
          fingerprint: id,
          before: before.latest.shape,
          after: plan.shape
        })
      }),
    reset: Effect.sync(() => {
      since = now()
      tracked.reset(since)
      slowQueries.clear()
    })
  }
  return statistics
})
