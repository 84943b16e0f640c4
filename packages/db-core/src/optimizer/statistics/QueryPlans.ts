/**
 * Asks the server how it would run a slow read: EXPLAIN without ANALYZE, of the generic plan, in a read-only
 * transaction that is rolled back. The plan is for any parameters: their values are not kept that long.
 *
 * PREPARE and EXPLAIN EXECUTE rather than EXPLAIN (GENERIC_PLAN): over the extended protocol that one is given NULLs
 * and plans for them.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { DbConfig } from "../../config/DbConfig.ts"
import { Pool } from "../../connection/Pool.ts"
import { StatementRunner } from "../../connection/StatementRunner.ts"
import { CurrentBudget, hold } from "../../driver/Budget.ts"
import { isShareable } from "../../driver/Lane.ts"
import { DbError } from "../../errors/DbError.ts"
import { type Plan, planOf } from "./PlanShape.ts"
import { QueryStatistics } from "./QueryStatistics.ts"

/** Planning takes milliseconds; what takes longer waits for a lock or for the disk. Milliseconds. */
const planTimeout = 1000

/** With waiting for a connection. Milliseconds. */
const callTimeout = 3000

export class QueryPlans extends Context.Service<QueryPlans, {
  /**
   * The plan of a read with `parameterCount` parameters. Fails with `Unsupported` for what may write, and is back
   * within 3 s.
   */
  readonly explain: (sql: string, parameterCount: number) => Effect.Effect<Plan, DbError>
}>()("@ems/db-core/optimizer/statistics/QueryPlans") {
  /** With `DbConfig.slowQueryPlans` above 0 it asks for the plans of slow reads by itself. */
  static readonly layerNoDeps = () => Layer.effect(QueryPlans, make)
}

let names = 0

const make = Effect.gen(function*() {
  const config = yield* DbConfig
  const clock = yield* Clock.Clock
  const pool = yield* Pool
  const statistics = yield* QueryStatistics
  const { statements, within } = yield* StatementRunner

  const ask = (sql: string, parameterCount: number): Effect.Effect<unknown, DbError> =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* statements.quiet
      const { session } = connection
      yield* Effect.withFiber((fiber) => {
        const release = hold(fiber.getRef(CurrentBudget), session)
        return Effect.addFinalizer(() => Effect.sync(release))
      })
      const run = (statement: string) => connection.execute("arrays", statement, [], false)
      const undo = (statement: string) =>
        Effect.suspend(() => session.isLost ? Effect.void : Effect.ignore(run(statement)))
      const name = `ems_plan_${names++}`
      yield* run("BEGIN READ ONLY")
      // It read nothing; if even this fails, the pool finds the open transaction and drops the connection.
      yield* Effect.addFinalizer(() => undo("ROLLBACK"))
      yield* run(`SET LOCAL statement_timeout = ${planTimeout}`)
      yield* run("SET LOCAL plan_cache_mode = force_generic_plan")
      yield* run(`PREPARE ${name} AS ${sql}`)
      // It outlives the transaction, and a failed transaction could not remove it.
      yield* run("SAVEPOINT explained")
      yield* Effect.addFinalizer(() =>
        Effect.andThen(undo("ROLLBACK TO SAVEPOINT explained"), undo(`DEALLOCATE ${name}`))
      )
      const nulls = Array.from({ length: parameterCount }, () => "null").join()
      const rows = yield* run(
        `EXPLAIN (FORMAT JSON) EXECUTE ${name}${parameterCount === 0 ? "" : `(${nulls})`}`
      )
      return rows[0]?.[0]
    }))

  const explain = (sql: string, parameterCount: number): Effect.Effect<Plan, DbError> =>
    isShareable(sql)
      ? Effect.flatMap(within(ask(sql, parameterCount), callTimeout), (explained) => {
        const plan = planOf(explained, clock.currentTimeMillisUnsafe())
        return plan === undefined
          ? Effect.fail(DbError.of("ProtocolViolation", "Refused", "explain", { message: "EXPLAIN gave no plan" }))
          : Effect.succeed(plan)
      })
      : Effect.fail(DbError.of("Unsupported", "NotSent", "explain", { message: "only reads are explained" }))

  const explainSample = Effect.gen(function*() {
    const { id, parameterCount, sql } = yield* Queue.take(statistics.samples)
    const { waiting } = yield* pool.snapshot
    // Slow statements crowd the pool: who waits for a connection comes first.
    if (waiting > 0) return
    yield* Effect.flatMap(explain(sql, parameterCount), (plan) => statistics.planned(id, plan)).pipe(
      Effect.catch(({ reason }) =>
        Effect.annotateLogs(Effect.logDebug("no plan"), { fingerprint: id, reason: reason._tag })
      )
    )
    yield* Effect.sleep(60_000 / config.slowQueryPlans)
  })

  if (config.slowQueryPlans > 0) yield* Effect.forkScoped(Effect.forever(explainSample))
  return { explain }
})
