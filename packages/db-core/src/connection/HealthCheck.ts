/**
 * Says whether the database answers. Real traffic is believed first: a probe of its own keeps a suspended compute
 * awake, so one is made only when somebody asks and the last answer is older than `DbConfig.healthInterval`, or when
 * callers come and none of them is answered. States and events: `ConnectionState.SPEC.md`.
 */
import { sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { DbConfig } from "../config/DbConfig.ts"
import { isReady, type State } from "./ConnectionState.ts"
import { Database } from "./Database.ts"
import { type Change, Observations } from "./Observations.ts"
import { Pool, type PoolSnapshot } from "./Pool.ts"

/** An open connection answers a probe within this time, or it does not answer. Milliseconds. */
const probeTimeout = 2000

/** Whoever asks is answered within this time. Milliseconds; longer than a probe of an open connection. */
const askerTimeout = probeTimeout + 100

/** Callers who wait for a connection for less are served by the next one that comes back. Milliseconds. */
const congestedAfter = 50

export interface Health {
  /** The state in three words: `degraded` while it wakes too, `unhealthy` for `starting`, `down` and `draining`. */
  readonly status: "healthy" | "degraded" | "unhealthy"
  readonly state: State
  /** Since when. Milliseconds since the epoch. */
  readonly since: number
  /** The last changes of the state with their reasons, the oldest first. */
  readonly history: ReadonlyArray<Change>
  /** Whether new work should be sent to this process. */
  readonly isReady: boolean
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

const statuses: { readonly [S in State]: Health["status"] } = {
  starting: "unhealthy",
  healthy: "healthy",
  degraded: "degraded",
  idle: "healthy",
  waking: "degraded",
  down: "unhealthy",
  draining: "unhealthy"
}

const connected: ReadonlySet<State> = new Set<State>(["healthy", "degraded", "idle"])

export class HealthCheck extends Context.Service<HealthCheck, {
  /** What is known now. Never touches the database. */
  readonly current: Effect.Effect<Health>
  /**
   * Probes if nothing was heard for `DbConfig.healthInterval`, or the last thing heard was a failure. Answers within
   * 2.1 s what is known by then: opening a first connection may take longer, up to `DbConfig.connectTimeout`. Never
   * fails.
   */
  readonly check: Effect.Effect<Health>
  /** The process is about to end: not ready from now on. The first thing to do on SIGTERM. */
  readonly drain: Effect.Effect<void>
}>()("@ems/db-core/connection/HealthCheck") {
  static readonly layerNoDeps = () => Layer.effect(HealthCheck, make)
}

const make = Effect.gen(function*() {
  const config = yield* DbConfig
  const database = yield* Database
  const observations = yield* Observations
  const pool = yield* Pool
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const oneProbe = yield* Semaphore.make(1)

  /** What the pool knows, and no statement has said. */
  const consult = Effect.tap(
    pool.snapshot,
    ({ circuit, lastConnectError, longestWaitMs, opening, total, waiting }) =>
      Effect.sync(() => {
        if (circuit === "open") observations.note("unreachable", lastConnectError ?? "the circuit is open")
        else if (total === 0 && opening > 0) observations.note("opening", "a first connection is being opened")
        else if (longestWaitMs >= congestedAfter) observations.note("congested", `${waiting} callers wait`)
      })
  )

  const describe = (startedAt: number): Effect.Effect<Health> =>
    Effect.map(consult, (snapshot) => {
      const observed = observations.current()
      return {
        ...observed,
        status: statuses[observed.state],
        isReady: isReady[observed.state],
        isConnected: connected.has(observed.state),
        responseTimeMs: clock.currentTimeMillisUnsafe() - startedAt,
        pool: snapshot
      }
    })

  /**
   * While callers wait for connections a probe would wait with them, and say no more than the answers that they get.
   */
  const isFresh = (): boolean => {
    const { lastAnswerAt, state } = observations.current()
    if (state === "draining") return true
    if (lastAnswerAt === undefined) return false
    const age = clock.currentTimeMillisUnsafe() - lastAnswerAt
    return (state === "healthy" && age < config.healthInterval) ||
      (state === "degraded" && age < Math.min(config.healthInterval, probeTimeout))
  }

  const probe = Effect.gen(function*() {
    const { acquired, max, total } = yield* pool.snapshot
    // A compute that wakes, or an embedded database that starts, takes as long as a connection may take to open.
    const timeout = total === 0 ? config.connectTimeout + probeTimeout : probeTimeout
    const exit = yield* Effect.exit(database.query((db) => db.execute(sql`select 1`), { timeout }))
    if (Exit.isSuccess(exit)) return
    const error = Option.getOrUndefined(Exit.findErrorOption(exit))
    // Callers have every connection: that is no reason to say that the database does not answer.
    if (error?.fate === "NotSent" && acquired > 0 && acquired >= max) {
      return observations.note("congested", "callers have every connection")
    }
    const { state } = observations.current()
    if (error?.reason._tag === "ComputeWaking" && state === "waking") return
    observations.note(
      "unreachable",
      error === undefined ? "no answer" : `${error.reason._tag}: ${error.reason.message}`
    )
  })

  /** Who waited for another's probe finds its answer and makes none. */
  const probeOnce = oneProbe.withPermit(Effect.suspend(() => isFresh() ? Effect.void : probe))

  // While callers come and get no answers it is found out what is wrong; when none come nothing is sent.
  let acquired = 0
  const watch = Effect.gen(function*() {
    const { acquireCount, timeouts, waiting } = yield* consult
    const asked = acquireCount + timeouts
    const { lastAnswerAt = 0 } = observations.current()
    const isRecent = clock.currentTimeMillisUnsafe() - lastAnswerAt < config.healthInterval
    if (asked === acquired && waiting === 0) {
      if (!isRecent) observations.note("quiet", `nobody asked for ${config.healthInterval} ms`)
    } else if (!isRecent) yield* probeOnce
    // The probe's own acquisition is not traffic: it would keep itself going for ever.
    const after = yield* pool.snapshot
    acquired = after.acquireCount + after.timeouts
  })
  yield* watch.pipe(
    Effect.delay(config.healthInterval),
    Effect.repeat(Schedule.forever),
    Effect.forkScoped
  )

  return {
    current: Effect.suspend(() => describe(clock.currentTimeMillisUnsafe())),
    check: Effect.suspend(() => {
      const startedAt = clock.currentTimeMillisUnsafe()
      return probeOnce.pipe(
        // It goes on when the asker is answered: what it finds is the next one's.
        Effect.forkIn(scope),
        Effect.flatMap(Fiber.await),
        Effect.timeoutOption(askerTimeout),
        Effect.andThen(describe(startedAt))
      )
    }),
    drain: Effect.sync(() => observations.note("drain", "the process is about to end"))
  }
})
