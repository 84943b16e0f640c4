/**
 * Says whether the database answers. Real traffic is believed first: a probe of its own keeps a suspended compute
 * awake, so one is made only when somebody asks and the last answer is older than `DbConfig.healthInterval`.
 */
import { sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { DbConfig } from "../config/DbConfig.ts"
import { DbError } from "../errors/DbError.ts"
import { Database } from "./Database.ts"
import { Observations } from "./Observations.ts"
import { Pool, type PoolSnapshot } from "./Pool.ts"

/** A probe takes at most this long, waiting for a connection included. Milliseconds. */
const probeTimeout = 2000

export interface Health {
  /** `degraded`: it answers, but callers wait for connections. */
  readonly status: "healthy" | "degraded" | "unhealthy"
  readonly isConnected: boolean
  /** Connection failures since start. */
  readonly errorCount: number
  readonly lastError: string | undefined
  /** Of the last answer. Milliseconds since the epoch. */
  readonly lastAnswerAt: number | undefined
  /** What this answer took: about 0 when traffic had just shown it. */
  readonly responseTimeMs: number
  readonly pool: PoolSnapshot
}

export class HealthCheck extends Context.Service<HealthCheck, {
  /** What is known now. Never touches the database. */
  readonly current: Effect.Effect<Health>
  /** Probes if nothing was heard for `DbConfig.healthInterval`, or the last thing heard was a failure. Never fails. */
  readonly check: Effect.Effect<Health>
}>()("@ems/db-core/connection/HealthCheck") {
  static readonly layerNoDeps = () =>
    Layer.effect(
      HealthCheck,
      Effect.gen(function*() {
        const config = yield* DbConfig
        const database = yield* Database
        const observations = yield* Observations
        const pool = yield* Pool
        const clock = yield* Clock.Clock
        const oneProbe = yield* Semaphore.make(1)

        const describe = (startedAt: number): Effect.Effect<Health> =>
          Effect.gen(function*() {
            const observed = yield* observations.current
            const snapshot = yield* pool.snapshot
            return {
              status: !observed.isAnswering ? "unhealthy" : snapshot.waiting > 0 ? "degraded" : "healthy",
              isConnected: observed.isAnswering,
              errorCount: observed.errorCount,
              lastError: observed.lastError,
              lastAnswerAt: observed.lastAnswerAt,
              responseTimeMs: clock.currentTimeMillisUnsafe() - startedAt,
              pool: snapshot
            } as const
          })

        const isFresh = Effect.map(
          observations.current,
          ({ isAnswering, lastAnswerAt }) =>
            isAnswering && lastAnswerAt !== undefined &&
            clock.currentTimeMillisUnsafe() - lastAnswerAt < config.healthInterval
        )

        const probe = database.query((db) => db.execute(sql`select 1`)).pipe(
          Effect.timeoutOrElse({
            duration: probeTimeout,
            orElse: () => {
              const late = DbError.of("ConnectFailed", "Unknown", "health", {
                message: `no answer within ${probeTimeout} ms`
              })
              return Effect.andThen(Effect.sync(() => observations.failed(late)), Effect.fail(late))
            }
          }),
          Effect.ignore
        )

        return {
          current: Effect.suspend(() => describe(clock.currentTimeMillisUnsafe())),
          check: Effect.suspend(() => {
            const startedAt = clock.currentTimeMillisUnsafe()
            // Who waited for another's probe finds its answer and makes none.
            return oneProbe.withPermit(Effect.flatMap(isFresh, (fresh) => fresh ? Effect.void : probe)).pipe(
              Effect.andThen(describe(startedAt))
            )
          })
        }
      })
    )
}
