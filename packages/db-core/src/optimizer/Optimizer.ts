/**
 * The query cache: answers reads from memory, never staler than promised. `docs/cache.md` says what is promised.
 *
 * ```ts
 * const rows = yield* db.query((d) => optimizer.cached(d.select().from(events), { ttl: 60_000 }))
 * ```
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import { DbConfig } from "../config/DbConfig.ts"
import { Pool } from "../connection/Pool.ts"
import { StatementRunner } from "../connection/StatementRunner.ts"
import { CommittedXids, CurrentBudget } from "../driver/Budget.ts"
import { Driver } from "../driver/Driver.ts"
import { describe, filler } from "../driver/DrizzleSession.ts"
import { DbError } from "../errors/DbError.ts"
import type { Bypass } from "./cache/Analysis.ts"
import { type CacheOptions, type Call, callOf } from "./cache/Call.ts"
import { Entries } from "./cache/Entry.ts"
import { Feed } from "./cache/Feed.ts"
import { borrowed, dedicated } from "./cache/FeedSource.ts"
import { Fences } from "./cache/Fences.ts"
import { upkeep } from "./cache/Janitor.ts"
import { Plan } from "./cache/Plan.ts"
import { missed, QueryCache } from "./cache/QueryCache.ts"
import { Registry, type TableReport } from "./cache/Registry.ts"
import { type CacheSnapshot, snapshotOf } from "./cache/Report.ts"
import { QueryStatistics } from "./statistics/QueryStatistics.ts"

export type { Bypass } from "./cache/Analysis.ts"
export type { CacheOptions, Consistency } from "./cache/Call.ts"
export type { TableReport } from "./cache/Registry.ts"
export type { CacheSnapshot, QueryReport } from "./cache/Report.ts"

/** A query of Drizzle's Effect API: a builder, a relational query, `db.execute(sql…)`. */
export type Query<A> = Effect.Effect<A, DbError>

/** What `.prepare(name)` of such a query gives. */
export interface Prepared<A> {
  readonly execute: (values?: Record<string, unknown>) => Effect.Effect<A, DbError>
}

/** A prepared query with its place in the cache. */
export interface CachedQuery<A> {
  readonly execute: (values?: Record<string, unknown>) => Effect.Effect<A, DbError>
  /**
   * The answer, if it is in memory and good, without asking anybody; `undefined` if not, and always with `strong`. It
   * does not know whether its caller is in a transaction: not for use in one.
   */
  readonly tryHit: (values?: Record<string, unknown>) => A | undefined
}

export interface Invalidation {
  /** As `schema.name`, or by a name that only one schema has. */
  readonly tables?: ReadonlyArray<string>
  readonly tags?: ReadonlyArray<string>
}

/** What can be changed while it runs. */
export interface CacheSettings {
  readonly enabled: boolean
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxEntryBytes: number
  /** Milliseconds. */
  readonly ttl: number
}

export class Optimizer extends Context.Service<Optimizer, {
  /**
   * Runs `query`, from memory where that is right. Inside a transaction it goes to the database. What comes back may be
   * shared with other callers, and is frozen.
   */
  readonly cached: <A>(query: Query<A>, options?: CacheOptions) => Effect.Effect<A, DbError>
  /** For a prepared query that runs often. */
  readonly prepare: <A>(prepared: Prepared<A>, options?: CacheOptions) => CachedQuery<A>
  /**
   * Runs a function whose query cannot be seen: it is not cached. Cached answers with `writes` are not used while it
   * runs, nor those from before it.
   */
  readonly opaque: <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    writes?: ReadonlyArray<string>
  ) => Effect.Effect<A, E, R>
  /** Cached answers with these tables or tags are not used any more, in this process. */
  readonly invalidate: (what: Invalidation | "all") => Effect.Effect<void, DbError>
  /**
   * Runs `effect`, and names the last transaction that it committed (`Database.write`, `Database.transaction`): an
   * `xid8` as text, for `consistency: { after }` in another process. `undefined` when it committed none.
   */
  readonly causal: <A, E, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<{ readonly value: A; readonly after: string | undefined }, E, R>
  readonly configure: (settings: Partial<CacheSettings>) => Effect.Effect<CacheSettings>
  readonly snapshot: Effect.Effect<CacheSnapshot>
  /** Every table, and why no answer from it is cached if that is so. */
  readonly tables: Effect.Effect<ReadonlyArray<TableReport>, DbError>
  /** What would become of a query: the tables it reads, or why its answers are not cached. Does not run it. */
  readonly explain: (
    sql: string,
    options?: Pick<CacheOptions, "tables" | "scope">
  ) => Effect.Effect<{ readonly tables: ReadonlyArray<string>; readonly bypass: Bypass | null }, DbError>
}>()("@ems/db-core/optimizer/Optimizer") {
  static readonly layerNoDeps = () => Layer.effect(Optimizer, make)
}

/** From outside it may be anything. */
const isXid = (text: string): boolean => /^\d{1,20}$/.test(text)

const badXid = Effect.fail(
  DbError.of("InvalidData", "NotSent", "query", {
    message: "consistency.after is no transaction id: digits are needed"
  })
)

const make = Effect.gen(function*() {
  const config = yield* DbConfig
  const driver = yield* Driver
  const pool = yield* Pool
  const runner = yield* StatementRunner
  const { consult, tables } = yield* Fences
  const { cacheCounter } = yield* QueryStatistics
  const clock = yield* Clock.Clock
  const fibers = yield* FiberSet.make()
  const fork = yield* FiberSet.runtime(fibers)()
  const within = <A>(effect: Effect.Effect<A, DbError>) => runner.within(effect, config.queryTimeout)

  const registry = new Registry(runner.statements, tables, config.cacheFeed === "log", within, fork, cacheCounter)
  const entries = new Entries({
    maxEntries: config.cacheMaxEntries,
    maxBytes: config.cacheMaxBytes,
    maxEntryBytes: config.cacheMaxEntryBytes
  })
  consult((sql) => registry.written(sql))

  // Its client takes long to load, and only the change log can vouch for answers of other processes.
  const { redisUrl } = config
  const level2 = redisUrl === undefined || config.cacheFeed === "none" || driver.capabilities.maxSessions === 1
    ? undefined
    : yield* Effect.flatMap(
      Effect.promise(() => import("./cache/level2/Level2.ts")),
      ({ make }) =>
        make(redisUrl, {
          tables,
          statements: runner.statements,
          within,
          fork,
          clock,
          maxEntryBytes: () => entries.bounds.maxEntryBytes
        })
    )

  const feed = config.cacheFeed === "none" ? undefined : yield* Effect.gen(function*() {
    let feed: Feed | undefined = undefined as Feed | undefined
    const source = driver.capabilities.maxSessions === 1
      ? borrowed(runner)
      : yield* dedicated(runner.feed, () => feed?.reconnected(), level2 !== undefined)
    feed = new Feed(
      tables,
      source,
      { staleness: config.cacheStaleness, pollInterval: config.cachePollInterval, idleAfter: config.cacheIdleAfter },
      {
        flushed: (why) => {
          entries.clear()
          level2?.broke()
          if (why === "definitions") registry.forget()
          // Connections that were opened to the server before it.
          if (why === "lineage") fork(pool.evict)
        },
        ...(level2 === undefined ? {} : { asking: () => level2.asking() })
      },
      clock,
      fork
    )
    yield* Effect.forkScoped(feed.loop)
    yield* Effect.forkScoped(upkeep(feed, runner))
    return feed
  })

  const cache = new QueryCache({
    statements: runner.statements,
    tables,
    registry,
    entries,
    feed,
    level2,
    clock,
    staleness: config.cacheStaleness,
    within,
    detach: (leader, effect) => {
      // Everything of the leader's, such as its span, but its deadline.
      const fiber = Effect.runForkWith(Context.add(leader.context, CurrentBudget, undefined))(effect)
      FiberSet.addUnsafe(fibers, fiber)
      return fiber
    }
  })

  let { cacheTtl: ttl } = config
  const checked = (options: CacheOptions | undefined): Call | undefined =>
    typeof options?.consistency === "object" && !isXid(options.consistency.after)
      ? undefined
      : callOf(options, tables, ttl)

  return {
    cached: <A>(query: Query<A>, options?: CacheOptions) =>
      Effect.withFiber<A, DbError>((fiber) => {
        const call = checked(options)
        if (call === undefined) return badXid
        const described = describe(query)
        // The query's own mapper makes an `A` of its rows.
        return cache.read(fiber, new Plan(described, call), filler(described.params)()) as Effect.Effect<A, DbError>
      }),
    prepare: <A>(prepared: Prepared<A>, options?: CacheOptions): CachedQuery<A> => {
      const described = describe(prepared)
      const fill = filler(described.params)
      let known: Plan | undefined
      let ttlThen = ttl
      const plan = (): Plan | undefined => {
        // The default may have been changed since.
        if (known !== undefined && ttl === ttlThen) return known
        ttlThen = ttl
        const call = checked(options)
        known = call === undefined ? undefined : new Plan(described, call, true)
        return known
      }
      return {
        execute: (values) =>
          Effect.withFiber<A, DbError>((fiber) => {
            const current = plan()
            if (current === undefined) return badXid
            return cache.read(fiber, current, fill(values)) as Effect.Effect<A, DbError>
          }),
        tryHit: (values) => {
          const current = plan()
          if (current === undefined) return undefined
          const hit = cache.tryHit(current, fill(values))
          // The query's own mapper made an `A` of its rows.
          return hit === missed ? undefined : hit as A
        }
      }
    },
    opaque: (effect, writes) => {
      cache.counters.bypass("opaque")
      if (writes === undefined) return effect
      return Effect.suspend(() => Effect.ensuring(effect, Effect.sync(tables.fence(registry.named(writes)))))
    },
    invalidate: (what) =>
      what === "all"
        ? Effect.sync(() => tables.invalidate(tables))
        : Effect.map(within(registry.oidsOf(what.tables ?? [])), (oids) => {
          for (const oid of oids) tables.invalidate(tables.of(oid))
          for (const tag of what.tags ?? []) tables.invalidate(tables.tagged(tag))
        }),
    causal: (effect) =>
      Effect.suspend(() => {
        const xids: Array<string> = []
        return Effect.map(
          Effect.provideService(effect, CommittedXids, xids),
          (value) => ({ value, after: xids.at(-1) })
        )
      }),
    configure: (settings) =>
      Effect.sync(() => {
        if (settings.enabled !== undefined) cache.isEnabled = settings.enabled
        if (settings.ttl !== undefined) ttl = settings.ttl
        const { bounds } = entries
        const wanted = {
          maxEntries: settings.maxEntries ?? bounds.maxEntries,
          maxBytes: settings.maxBytes ?? bounds.maxBytes,
          maxEntryBytes: settings.maxEntryBytes ?? bounds.maxEntryBytes
        }
        if (
          wanted.maxEntries !== bounds.maxEntries || wanted.maxBytes !== bounds.maxBytes ||
          wanted.maxEntryBytes !== bounds.maxEntryBytes
        ) entries.resize(wanted)
        return { enabled: cache.isEnabled, ttl, ...entries.bounds }
      }),
    snapshot: Effect.map(
      level2 === undefined ? Effect.succeed(null) : level2.report,
      (shared) => snapshotOf(cache, entries, registry, feed, config, shared)
    ),
    tables: Effect.suspend(() => within(registry.tableReports())),
    explain: (sql, options) =>
      Effect.map(
        within(registry.learn(sql, callOf(options, tables, ttl).declared)),
        ({ bypass, names }) => ({ tables: names, bypass: bypass ?? null })
      )
  } satisfies Optimizer["Service"]
})
