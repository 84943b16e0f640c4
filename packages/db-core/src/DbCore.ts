/**
 * The assembled data layer. The only file that wires.
 */
import type { AnyRelations } from "drizzle-orm"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Catalog } from "./catalog/Catalog.ts"
import type { IndexDefinition } from "./catalog/IndexDefinition.ts"
import { DbConfig, type Input } from "./config/DbConfig.ts"
import type { DbConfigError } from "./config/DbConfigError.ts"
import { Database } from "./connection/Database.ts"
import { HealthCheck } from "./connection/HealthCheck.ts"
import { Observations } from "./connection/Observations.ts"
import { Pool } from "./connection/Pool.ts"
import { StatementRunner } from "./connection/StatementRunner.ts"
import { Driver } from "./driver/Driver.ts"
import { none, StatementHooks } from "./driver/StatementHooks.ts"
import { Maintenance } from "./maintenance/Maintenance.ts"
import { Fences } from "./optimizer/cache/Fences.ts"
import { Explain } from "./optimizer/Explain.ts"
import { Optimizer } from "./optimizer/Optimizer.ts"
import * as PoolMetrics from "./optimizer/statistics/PoolMetrics.ts"
import { QueryPlans } from "./optimizer/statistics/QueryPlans.ts"
import { QueryStatistics } from "./optimizer/statistics/QueryStatistics.ts"

/** The services that callers use. */
export type DbCore =
  | Catalog
  | Database
  | DbConfig
  | Driver
  | Explain
  | HealthCheck
  | Maintenance
  | Optimizer
  | Pool
  | QueryPlans
  | QueryStatistics

/**
 * What hears of every statement. A layer of its own for each data layer: with a common one a data layer inside another
 * would be given the outer one's, and its writes would count as those.
 */
const hooks = () =>
  Layer.effect(
    StatementHooks,
    Effect.gen(function*() {
      const fences = yield* Fences
      const { hooks, unsent } = yield* QueryStatistics
      return { ...none, ...hooks, unsent, ...fences.hooks }
    })
  )

export interface Options {
  /** Indexes that must exist: what `createIndexes` builds, and holds those that exist against. Default none. */
  readonly indexes?: ReadonlyArray<IndexDefinition>
}

/**
 * Everything above `DbConfig`. `relations` are the consumer's own: nothing here knows a table.
 *
 * Each call makes a data layer of its own, so a program may have several; one layer value provided in several places
 * is one pool.
 */
export const layerNoDeps = (
  relations: AnyRelations,
  { indexes = [] }: Options = {}
): Layer.Layer<Exclude<DbCore, DbConfig>, never, DbConfig> =>
  HealthCheck.layerNoDeps().pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Database.layerNoDeps(relations),
        Catalog.layerNoDeps({ indexes }),
        Explain.layerNoDeps(),
        Maintenance.layerNoDeps({ indexes }),
        Optimizer.layerNoDeps(),
        QueryPlans.layerNoDeps()
      )
    ),
    Layer.provide(StatementRunner.layerNoDeps()),
    Layer.provide(hooks()),
    Layer.provide(Fences.layer()),
    Layer.provideMerge(QueryStatistics.layerNoDeps()),
    Layer.provide(PoolMetrics.layerNoDeps()),
    Layer.provideMerge(Pool.layerNoDeps()),
    Layer.provideMerge(Driver.layerNoDeps()),
    Layer.provide(Observations.layer())
  )

/** Configured by the environment. */
export const layer = (
  relations: AnyRelations,
  options?: Options
): Layer.Layer<DbCore, DbConfigError | Config.ConfigError> =>
  Layer.provideMerge(layerNoDeps(relations, options), DbConfig.layer)

/** Configured by the caller. */
export const layerOf = (
  relations: AnyRelations,
  input: Input,
  options?: Options
): Layer.Layer<DbCore, DbConfigError> => Layer.provideMerge(layerNoDeps(relations, options), DbConfig.layerOf(input))
