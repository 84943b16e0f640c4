/**
 * The data layer for callers without Effect.
 *
 * ```ts
 * const { db, dbManager, dbOptimization, optimizedQuery, close } = await openDatabase({ relations, url: process.env.DATABASE_URL })
 * const rows = await db.select().from(users)
 * await dbManager.executeQuery(() => db.insert(users).values(user))
 * dbManager.getConnectionState().isConnected
 * await optimizedQuery.select(() => db.select().from(events), events, "all events")
 * await dbOptimization.vacuumTables({ tables: ["events"] })
 * await close()
 * ```
 */
import type { AnyRelations } from "drizzle-orm"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Catalog } from "./catalog/Catalog.ts"
import { DbConfig, type Input } from "./config/DbConfig.ts"
import { Database } from "./connection/Database.ts"
import { HealthCheck } from "./connection/HealthCheck.ts"
import * as DbCore from "./DbCore.ts"
import type { PromiseHandle } from "./driver/PromiseSession.ts"
import { Maintenance } from "./maintenance/Maintenance.ts"
import { type CacheSettings, type CacheSnapshot, Optimizer } from "./optimizer/Optimizer.ts"
import { QueryStatistics, type Totals } from "./optimizer/statistics/QueryStatistics.ts"
import type { SlowQuery } from "./optimizer/statistics/SlowQueries.ts"
import { type DbOptimization, makeDbOptimization } from "./promise/DbOptimization.ts"
import { makeOptimizedQuery, nameOf, type OptimizedQuery, type TableName } from "./promise/OptimizedQuery.ts"

export type { PromiseHandle } from "./driver/PromiseSession.ts"
export { DbError } from "./errors/DbError.ts"
export { MaintenanceError } from "./maintenance/MaintenanceError.ts"
export type { CacheSettings, CacheSnapshot } from "./optimizer/Optimizer.ts"
export type { Totals } from "./optimizer/statistics/QueryStatistics.ts"
export type { SlowQuery } from "./optimizer/statistics/SlowQueries.ts"
export type { DbOptimization } from "./promise/DbOptimization.ts"
export type { OptimizedQuery, TableName } from "./promise/OptimizedQuery.ts"

export interface ConnectionState {
  /** Whether the last thing heard from the database was an answer. */
  readonly isConnected: boolean
  /** Connection failures since `openDatabase`. */
  readonly errorCount: number
  /** Reason and text of the last one, without values; `null` when there was none. */
  readonly lastError: string | null
  /** When the database last answered; `null` before the first answer. */
  readonly lastHealthCheck: Date | null
  /** Connections open now. */
  readonly connectionCount: number
}

export interface DbManager<Relations extends AnyRelations> {
  /** What is known now. Never touches the database. */
  readonly getConnectionState: () => ConnectionState
  /** Runs a callback; what it rejects with from the database is a `DbError`, and counts in the connection state. */
  readonly executeQuery: <A>(use: (db: PromiseHandle<Relations>) => PromiseLike<A>) => Promise<A>
}

export interface QueryOptimizer {
  /** The last statements that took at least `ms` and were slow (`DbConfig.slowQuery`), the slowest first. */
  readonly getSlowQueries: (ms?: number) => ReadonlyArray<SlowQuery>
  /** All statements since start, together: how many, how long, how many failed, what the cache answered. */
  readonly getPerformanceStats: () => Totals
  /** Cached answers with this table are not used any more; of all tables without one. In this process. */
  readonly invalidateCache: (table?: TableName) => Promise<void>
  /** Changes settings of the cache, and says what they are now. */
  readonly configureCache: (settings: Partial<CacheSettings>) => CacheSettings
  readonly getCacheStats: () => CacheSnapshot
}

export interface OpenDatabase<Relations extends AnyRelations> {
  readonly db: PromiseHandle<Relations>
  readonly dbManager: DbManager<Relations>
  readonly optimizedQuery: OptimizedQuery
  readonly queryOptimizer: QueryOptimizer
  readonly dbOptimization: DbOptimization
  /** Ends what is in flight and closes every connection. */
  readonly close: () => Promise<void>
}

export type OpenOptions<Relations extends AnyRelations> =
  & DbCore.Options
  & { readonly relations: Relations }
  & (Input | { readonly url?: undefined })

/** The cause's own error: `runPromise` would wrap it, and `instanceof DbError` would be false. */
const unwrap = <A, E>(exit: Exit.Exit<A, E>): A => {
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

/**
 * Opens a database. Without `url` the settings come from the environment. Rejects with `DbConfigError` for a setting
 * that is missing or out of bounds; an unreachable server is no reason to reject, the first query will say so.
 */
export const openDatabase = async <Relations extends AnyRelations>(
  options: OpenOptions<Relations>
): Promise<OpenDatabase<Relations>> => {
  const { relations } = options
  const runtime = ManagedRuntime.make(
    options.url === undefined
      ? DbCore.layer(relations, options)
      : DbCore.layerOf(relations, options, options)
  )
  const { catalog, config, database, health, maintenance, optimizer, statistics } = unwrap(
    await runtime.runPromiseExit(
      Effect.all({
        catalog: Catalog,
        config: DbConfig,
        database: Database.with(relations),
        health: HealthCheck,
        maintenance: Maintenance,
        optimizer: Optimizer,
        statistics: QueryStatistics
      })
    )
  )
  const run = <A, E>(effect: Effect.Effect<A, E>) => runtime.runPromiseExit(effect)
  const db = database.promises(run)
  return {
    db,
    dbManager: {
      getConnectionState: () => {
        const known = Effect.runSync(health.current)
        return {
          isConnected: known.isConnected,
          errorCount: known.errorCount,
          lastError: known.lastError ?? null,
          lastHealthCheck: known.lastAnswerAt === undefined
            ? null
            : DateTime.toDate(DateTime.makeUnsafe(known.lastAnswerAt)),
          connectionCount: known.pool.total
        }
      },
      executeQuery: async (use) => use(db)
    },
    optimizedQuery: makeOptimizedQuery(optimizer, config.cacheTtl, run),
    queryOptimizer: {
      getSlowQueries: (ms) => Effect.runSync(statistics.slow(ms)),
      getPerformanceStats: () => Effect.runSync(statistics.totals()),
      invalidateCache: async (table) =>
        unwrap(await run(optimizer.invalidate(table === undefined ? "all" : { tables: [nameOf(table)] }))),
      configureCache: (settings) => Effect.runSync(optimizer.configure(settings)),
      getCacheStats: () => Effect.runSync(optimizer.snapshot)
    },
    dbOptimization: makeDbOptimization(catalog, maintenance, async (effect) => unwrap(await run(effect))),
    close: () => runtime.dispose()
  }
}
