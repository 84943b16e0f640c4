/**
 * The machinery under `Database`: statements on the pool's lanes with deadlines, hooks and spans. For what is built on
 * it inside this package; everybody else has `Database`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { DbConfig } from "../config/DbConfig.ts"
import type { Capabilities } from "../driver/Capabilities.ts"
import { Driver } from "../driver/Driver.ts"
import { none, StatementHooks, type StatementHooksShape } from "../driver/StatementHooks.ts"
import type { Lanes, Statements } from "../driver/Statements.ts"
import { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import * as CallSpan from "../telemetry/CallSpan.ts"
import * as Deadlines from "./Deadlines.ts"
import * as Direct from "./Direct.ts"
import * as Executor from "./Executor.ts"
import { Observations } from "./Observations.ts"
import { Pool } from "./Pool.ts"
import * as StatementLog from "./StatementLog.ts"

export class StatementRunner extends Context.Service<StatementRunner, {
  readonly statements: Statements
  /** A connection of its own beside the pool's, whose statements no hook hears of. See `Driver.feed`. */
  readonly feed: Effect.Effect<WireConnection, DbError>
  readonly direct: Direct.Direct
  /** Limits a call, everything included. */
  readonly within: Deadlines.Deadlines["within"]
  /** One span for all attempts; inside a transaction the savepoint has its own. */
  readonly traced: <A, E, R>(name: "transaction" | "write", run: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Notes a failure that no statement here saw. */
  readonly failed: (error: DbError) => void
}>()("@ems/db-core/connection/StatementRunner") {
  static readonly layerNoDeps = () => Layer.effect(StatementRunner, make)
}

const make = Effect.gen(function*() {
  const config = yield* DbConfig
  const pool = yield* Pool
  const driver = yield* Driver
  const observations = yield* Observations
  const listeners = yield* StatementHooks
  const level = yield* References.MinimumLogLevel
  const log = StatementLog.make(level === "Debug" || level === "Trace" || level === "All")
  const clock = yield* Clock.Clock
  const hooks: StatementHooksShape = {
    ...listeners,
    isPrecise: log.isPrecise || listeners.isPrecise,
    outcome: (outcome) => {
      if (outcome.error === undefined) observations.answered()
      const said = log.outcome(outcome)
      const heard = listeners.outcome(outcome)
      return said === undefined ? heard : heard === undefined ? said : Effect.andThen(said, heard)
    }
  }
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const deadlines = Deadlines.make(clock, fork, config.queryTimeout)
  // Runs before `fork` ends: while the pool waits for work in flight, deadlines still hold.
  yield* Effect.addFinalizer(() => pool.drain)
  const spans = CallSpan.make(config.target.database, clock)
  const statementsOn = (lanes: Lanes, capabilities: Capabilities, witness?: Pick<Statements, "lease">): Statements =>
    Executor.make(lanes, capabilities, config, deadlines, hooks, observations.failed, clock, spans, witness)
  const statements = statementsOn(pool, driver.capabilities)
  return {
    statements,
    feed: Effect.map(
      driver.feed,
      (session) => new WireConnection(session, session.connection, "shared", none, clock, deadlines)
    ),
    direct: Direct.make(driver, pool, (lanes, capabilities) => statementsOn(lanes, capabilities, statements)),
    within: deadlines.within,
    traced: <A, E, R>(name: "transaction" | "write", run: Effect.Effect<A, E, R>) =>
      Effect.withFiber<A, E, R>((fiber) =>
        CallSpan.isTraced(fiber) && statements.current(fiber) === undefined
          ? spans.call(fiber, name, run)
          : run
      ),
    failed: observations.failed
  }
})
