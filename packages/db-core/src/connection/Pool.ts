/**
 * The connection pool: at most `poolMax` connections at the server, lent on two lanes.
 *
 * - **Shared**: reads of many callers pipelined on one connection. At most half of the connections (at least one), so
 *   that reads can never keep writes and transactions out.
 * - **Exclusive**: one caller alone. Returned in a transaction, or after an interruption, the connection is destroyed
 *   and never handed on.
 *
 * Waiting is first come, first served per lane, bounded in time and number. A connection counts until its socket is
 * closed: counting it out earlier would let the server see more than `poolMax`.
 *
 * Not yet here: the circuit breaker around connects, probes of idle connections, the leak detector, and a drain that
 * lets statements in flight finish.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { DbConfig } from "../config/DbConfig.ts"
import { Driver } from "../driver/Driver.ts"
import type { Session } from "../driver/Session.ts"
import type { Lanes } from "../driver/Statements.ts"
import { DbError } from "../errors/DbError.ts"

/** Why a connection was closed. */
export type CloseReason = "idle" | "lifetime" | "uses" | "dirty" | "lost" | "interrupted" | "shutdown"

/** Counters of the pool at one moment, in pgx's words. */
export interface PoolSnapshot {
  readonly max: number
  /** Connections at the server, those being closed included. */
  readonly total: number
  readonly opening: number
  readonly idle: number
  /** Connections lent to one caller alone. */
  readonly acquired: number
  /** Connections lent to the shared lane. */
  readonly shared: number
  /** Statements in flight on the shared lane. */
  readonly sharedStatements: number
  readonly waiting: number
  /** Since start. */
  readonly created: number
  readonly closed: Readonly<Record<CloseReason, number>>
  readonly connectFailures: number
  readonly acquireCount: number
  /** Acquisitions that had to wait. */
  readonly emptyAcquireCount: number
  readonly timeouts: number
}

interface Entry {
  readonly session: Session
  state: "idle" | "shared" | "exclusive" | "closing"
  /** Statements in flight, on the shared lane. */
  depth: number
  uses: number
  idleSince: number
  readonly expiresAt: number
  /** Takes no new statement; becomes idle when the last one is done. */
  draining: boolean
  /** When a shared statement last finished, or the first one began. */
  progressAt: number
}

interface Waiter {
  readonly lane: "shared" | "exclusive"
  readonly deferred: Deferred.Deferred<Entry, DbError>
  served: Entry | undefined
}

/**
 * A shared connection that finished nothing for this long runs a slow statement, and pipelining behind it would make
 * fast reads slow. Milliseconds; a point read takes well under one.
 */
const stalledAfter = 20

/** How long a statement may wait behind those before it on a shared connection. Milliseconds. */
const queueTarget = 2

/** Weight of the newest statement in the average of how long one takes. */
const serviceWeight = 1 / 16

/** After a failed attempt the pool makes do with the connections it has for this long, if it has any. Milliseconds. */
const growPause = 1000

export class Pool extends Context.Service<
  Pool,
  Lanes & {
    /** Every counter, now. */
    readonly snapshot: Effect.Effect<PoolSnapshot>
  }
>()("@ems/db-core/connection/Pool") {
  /** A new pool for each call: a layer is built once for as long as it is the same object. */
  static readonly layerNoDeps = () => Layer.effect(Pool, make)
}

const make = Effect.gen(function*() {
  const config = yield* DbConfig
  const driver = yield* Driver
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const fork = yield* FiberSet.makeRuntime()

  const max = Math.min(config.poolMax, driver.capabilities.maxSessions ?? Infinity)
  const sharedMax = Math.max(1, Math.floor(max / 2))
  const maxDepth = config.poolSharedDepth * 4

  const entries = new Set<Entry>()
  const waiters: Array<Waiter> = []
  let opening = 0
  let growAgainAt = 0
  /** Average time from one finished shared statement to the next on its connection. */
  let serviceMs = 0
  let isClosed = false
  let created = 0
  let connectFailures = 0
  let acquireCount = 0
  let emptyAcquireCount = 0
  let timeouts = 0
  const closed: Record<CloseReason, number> = {
    idle: 0,
    lifetime: 0,
    uses: 0,
    dirty: 0,
    lost: 0,
    interrupted: 0,
    shutdown: 0
  }

  const now = () => clock.currentTimeMillisUnsafe()

  const count = (state: Entry["state"]): number => {
    let found = 0
    for (const entry of entries) if (entry.state === state) found++
    return found
  }

  const discard = (entry: Entry, reason: CloseReason): void => {
    if (entry.state === "closing") return
    entry.state = "closing"
    closed[reason]++
    fork(
      reason === "idle" || reason === "lifetime" || reason === "uses" || reason === "shutdown"
        ? entry.session.close
        : entry.session.destroy
    )
  }

  /** Why `entry` must not be lent again, if there is a reason. */
  const unfit = (entry: Entry): CloseReason | undefined => {
    if (entry.session.isLost) return "lost"
    if (entry.session.status !== "I") return "dirty"
    if (entry.uses >= config.poolMaxUses) return "uses"
    if (now() >= entry.expiresAt) return "lifetime"
    return undefined
  }

  const takeIdle = (state: "shared" | "exclusive"): Entry | undefined => {
    // The most recently used first: the others grow old and are closed, so a quiet pool shrinks.
    let best: Entry | undefined
    for (const entry of entries) {
      if (entry.state !== "idle") continue
      const reason = unfit(entry)
      if (reason !== undefined) discard(entry, reason)
      else if (best === undefined || entry.idleSince >= best.idleSince) best = entry
    }
    if (best !== undefined) best.state = state
    return best
  }

  const isStalled = (entry: Entry | undefined): boolean =>
    entry !== undefined && entry.depth > 0 && now() - entry.progressAt > stalledAfter

  /** Statements that one shared connection is given before another is used: as many as finish in `queueTarget`. */
  const depthLimit = (): number => Math.max(1, Math.min(config.poolSharedDepth, Math.floor(queueTarget / serviceMs)))

  /** A place on the shared lane, without waiting. */
  const tryShared = (): Entry | undefined => {
    const limit = depthLimit()
    let fullest: Entry | undefined
    let emptiest: Entry | undefined
    for (const entry of entries) {
      if (entry.state !== "shared" || entry.draining || entry.session.isLost) continue
      if (entry.uses >= config.poolMaxUses) {
        entry.draining = true
        continue
      }
      if (emptiest === undefined || entry.depth < emptiest.depth) emptiest = entry
      // The fullest that has room: statements that leave together cost one write, spread out they cost one each.
      if (entry.depth < limit && (fullest === undefined || entry.depth > fullest.depth) && !isStalled(entry)) {
        fullest = entry
      }
    }
    if (fullest !== undefined) return fullest
    if (count("shared") < sharedMax) {
      const idle = takeIdle("shared")
      if (idle !== undefined) return idle
      if (opening === 0) open()
      // Behind a stalled statement a read waits longer than for the connection that is being opened.
      if (opening > 0 && isStalled(emptiest)) return undefined
    }
    return emptiest !== undefined && emptiest.depth < maxDepth ? emptiest : undefined
  }

  const tryExclusive = (): Entry | undefined => {
    const idle = takeIdle("exclusive")
    if (idle !== undefined || entries.size + opening < max || count("exclusive") > 0) return idle
    // Reads hold every connection and would never leave one idle: let one run dry.
    let quietest: Entry | undefined
    for (const entry of entries) {
      if (entry.draining) return undefined
      if (entry.state === "shared" && (quietest === undefined || entry.depth < quietest.depth)) quietest = entry
    }
    if (quietest !== undefined) quietest.draining = true
    return undefined
  }

  const lend = (entry: Entry): void => {
    acquireCount++
    entry.uses++
    if (entry.state === "shared" && entry.depth++ === 0) entry.progressAt = now()
  }

  /** Serves waiters in order; one that cannot be served does not hold up the other lane. */
  const pump = (): void => {
    let sharedBlocked = false
    let exclusiveBlocked = false
    for (let at = 0; at < waiters.length && !(sharedBlocked && exclusiveBlocked);) {
      const waiter = waiters[at]!
      if (waiter.lane === "shared" ? sharedBlocked : exclusiveBlocked) {
        at++
        continue
      }
      const entry = waiter.lane === "shared" ? tryShared() : tryExclusive()
      if (entry === undefined) {
        if (waiter.lane === "shared") sharedBlocked = true
        else exclusiveBlocked = true
        at++
        continue
      }
      waiters.splice(at, 1)
      lend(entry)
      waiter.served = entry
      Deferred.doneUnsafe(waiter.deferred, Exit.succeed(entry))
    }
    openForWaiters()
  }

  /** One connection for each caller that needs its own, one for every full shared lane; never more than can be used. */
  const openForWaiters = (): void => {
    let exclusive = 0
    let sharing = 0
    for (const waiter of waiters) waiter.lane === "exclusive" ? exclusive++ : sharing++
    const forSharing = Math.min(Math.ceil(sharing / config.poolSharedDepth), Math.max(0, sharedMax - count("shared")))
    for (let missing = exclusive + forSharing - opening; missing > 0; missing--) open()
  }

  const failWaiters = (error: DbError): void => {
    for (const waiter of waiters.splice(0)) Deferred.doneUnsafe(waiter.deferred, Exit.fail(error))
  }

  const open = (): void => {
    if (isClosed || entries.size + opening >= max) return
    if (entries.size + opening > 0 && now() < growAgainAt) return
    opening++
    fork(Effect.onExit(driver.connect, (exit) =>
      Effect.sync(() => {
        opening--
        if (Exit.isFailure(exit)) {
          connectFailures++
          growAgainAt = now() + growPause
          // With other connections left their callers will give them back; with none, everybody is told now.
          if (entries.size + opening === 0) {
            failWaiters(Option.getOrElse(Exit.findErrorOption(exit), closedError))
          }
          return pump()
        }
        admit(exit.value)
      })))
  }

  const admit = (session: Session): void => {
    created++
    const entry: Entry = {
      session,
      state: "idle",
      depth: 0,
      uses: 0,
      idleSince: now(),
      expiresAt: now() + config.poolMaxLifetime * (1 - random.nextDoubleUnsafe() * 0.1),
      draining: false,
      progressAt: 0
    }
    entries.add(entry)
    session.onGone(() => {
      entries.delete(entry)
      if (entry.state !== "closing") {
        entry.state = "closing"
        closed.lost++
      }
      pump()
    })
    if (isClosed) discard(entry, "shutdown")
    pump()
  }

  const release = (entry: Entry, interrupted: boolean): void => {
    if (entry.depth > 0) {
      entry.depth--
      const at = now()
      serviceMs += (at - entry.progressAt - serviceMs) * serviceWeight
      entry.progressAt = at
    }
    if (entry.depth === 0 && entry.state !== "closing") {
      entry.draining = false
      const reason = isClosed ? "shutdown" : interrupted ? "interrupted" : unfit(entry)
      if (reason === undefined) {
        entry.state = "idle"
        entry.idleSince = now()
      } else discard(entry, reason)
    }
    if (waiters.length > 0) pump()
  }

  const closedError = () =>
    DbError.of("PoolClosed", "NotSent", "acquire", { message: "the pool is closed: the process is shutting down" })

  /** What a caller has, at any moment: whoever cleans up after it looks here. */
  interface Held {
    entry: Entry | undefined
    waiter: Waiter | undefined
  }

  const giveBack = ({ entry, waiter }: Held, interrupted: boolean): void => {
    const held = entry ?? waiter?.served
    if (held !== undefined) release(held, interrupted)
  }

  const wait = (waiter: Waiter, until: number): Effect.Effect<Entry, DbError> => {
    const patience = Math.min(config.acquireTimeout, Math.max(0, until - now()))
    const leave = () => {
      const at = waiters.indexOf(waiter)
      if (at >= 0) waiters.splice(at, 1)
    }
    return Deferred.await(waiter.deferred).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => {
          // Served in the same tick: the connection is ours.
          if (waiter.served !== undefined) return Effect.succeed(waiter.served)
          leave()
          timeouts++
          return Effect.fail(
            DbError.of(patience < config.acquireTimeout ? "DeadlineExceeded" : "PoolTimeout", "NotSent", "acquire", {
              message: `no connection within ${Math.round(patience)} ms: ${count("exclusive")} acquired, ${
                count("shared")
              } shared, ${waiters.length} waiting, max ${max}`
            })
          )
        }
      }),
      Effect.onInterrupt(() => Effect.sync(leave))
    )
  }

  /** A connection at once, or else a place in the queue; noted in `held` in the same step. */
  const take = (lane: Waiter["lane"], held: Held): DbError | undefined => {
    if (isClosed) return closedError()
    // Who waits already goes first.
    const isFirst = waiters.length === 0 || !waiters.some((waiter) => waiter.lane === lane)
    const entry = isFirst ? (lane === "shared" ? tryShared() : tryExclusive()) : undefined
    if (entry !== undefined) {
      lend(entry)
      held.entry = entry
      return undefined
    }
    if (waiters.length >= config.poolMaxWaiting) {
      return DbError.of("PoolQueueFull", "NotSent", "acquire", {
        message: `${waiters.length} callers wait for a connection already; allow more with EMS_POOL_MAX_WAITING`
      })
    }
    emptyAcquireCount++
    held.waiter = { lane, deferred: Deferred.makeUnsafe(), served: undefined }
    waiters.push(held.waiter)
    openForWaiters()
    return undefined
  }

  const shared: Lanes["shared"] = (use, until = Number.POSITIVE_INFINITY) =>
    Effect.suspend(() => {
      const held: Held = { entry: undefined, waiter: undefined }
      // The clean-up stands before anything is taken, so that no moment is left in which a connection could be lost.
      return Effect.onExitPrimitive(
        Effect.suspend(() => {
          const failure = take("shared", held)
          if (failure !== undefined) return Effect.fail(failure)
          if (held.entry !== undefined) return use(held.entry.session)
          return Effect.flatMap(wait(held.waiter!, until), (entry) => use(entry.session))
        }),
        () => {
          giveBack(held, false)
          return undefined
        }
      )
    })

  const lease: Effect.Effect<Session, DbError, Scope.Scope> = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const held: Held = { entry: undefined, waiter: undefined }
      const failure = take("exclusive", held)
      if (failure !== undefined) return Effect.fail(failure)
      const entry = held.entry !== undefined
        ? Effect.succeed(held.entry)
        : Effect.onInterrupt(
          restore(wait(held.waiter!, Number.POSITIVE_INFINITY)),
          () => Effect.sync(() => giveBack(held, false))
        )
      return Effect.flatMap(entry, ({ session }) =>
        Effect.as(
          Effect.addFinalizer((exit) => Effect.sync(() => giveBack(held, Exit.hasInterrupts(exit)))),
          session
        ))
    })
  )

  const snapshot = Effect.sync((): PoolSnapshot => {
    let sharedStatements = 0
    for (const entry of entries) sharedStatements += entry.depth
    return {
      max,
      total: entries.size,
      opening,
      idle: count("idle"),
      acquired: count("exclusive"),
      shared: count("shared"),
      sharedStatements,
      waiting: waiters.length,
      created,
      closed: { ...closed },
      connectFailures,
      acquireCount,
      emptyAcquireCount,
      timeouts
    }
  })

  // Closes what was not used for a while.
  yield* Effect.sync(() => {
    for (const entry of entries) {
      if (entry.state !== "idle") continue
      const reason = unfit(entry) ?? (now() - entry.idleSince >= config.poolIdleTimeout ? "idle" : undefined)
      if (reason !== undefined) discard(entry, reason)
    }
  }).pipe(Effect.repeat(Schedule.spaced(Math.max(50, config.poolIdleTimeout / 4))), Effect.forkScoped)

  // Runs before the fibres of `fork` are ended: finalizers run in reverse order.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      failWaiters(closedError())
      for (const entry of entries) discard(entry, "shutdown")
      return Effect.forEach([...entries], (entry) => entry.session.awaitGone, {
        concurrency: "unbounded",
        discard: true
      }).pipe(Effect.timeoutOption("2 seconds"))
    })
  )

  return { shared, lease, snapshot }
})
