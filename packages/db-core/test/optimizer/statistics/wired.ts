/** A data layer with statistics, and what was logged. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import { DbConfig, type Input } from "../../../src/config/DbConfig.ts"
import { Database } from "../../../src/connection/Database.ts"
import { Observations } from "../../../src/connection/Observations.ts"
import { Pool } from "../../../src/connection/Pool.ts"
import { StatementRunner } from "../../../src/connection/StatementRunner.ts"
import { Driver } from "../../../src/driver/Driver.ts"
import { none, StatementHooks } from "../../../src/driver/StatementHooks.ts"
import * as PoolMetrics from "../../../src/optimizer/statistics/PoolMetrics.ts"
import { QueryPlans } from "../../../src/optimizer/statistics/QueryPlans.ts"
import { QueryStatistics } from "../../../src/optimizer/statistics/QueryStatistics.ts"

export type Wired = Database | DbConfig | Pool | QueryPlans | QueryStatistics

/** A layer of its own for each data layer: one inside another would be given the outer one's. */
const hooks = () =>
  Layer.effect(
    StatementHooks,
    Effect.map(QueryStatistics, (statistics) => ({ ...none, ...statistics.hooks }))
  )

export const layer = (input: Input) =>
  Layer.mergeAll(Database.layerNoDeps({}), QueryPlans.layerNoDeps(), PoolMetrics.layerNoDeps()).pipe(
    Layer.provide(StatementRunner.layerNoDeps()),
    Layer.provide(hooks()),
    Layer.provideMerge(QueryStatistics.layerNoDeps()),
    Layer.provideMerge(Pool.layerNoDeps()),
    Layer.provide(Driver.layerNoDeps()),
    Layer.provide(Observations.layer()),
    Layer.provideMerge(DbConfig.layerOf(input))
  )

export interface Line {
  readonly level: string
  readonly text: string
}

/** Runs `program` on a data layer and in a metric registry of its own; gives what it gives, and what was logged. */
export const run = async <A, E>(
  input: Input,
  program: Effect.Effect<A, E, Wired>
): Promise<{ readonly value: A; readonly lines: ReadonlyArray<Line> }> => {
  const lines: Array<Line> = []
  const capture = Logger.make((options) => {
    lines.push({ level: options.logLevel, text: Logger.formatLogFmt.log(options) })
  })
  const logging = Layer.mergeAll(Logger.layer([capture]), Layer.succeed(References.MinimumLogLevel, "Info"))
  const value = await Effect.runPromise(
    Effect.provide(program, Layer.provideMerge(layer(input), logging)).pipe(
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  )
  return { value, lines }
}
