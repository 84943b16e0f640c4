/**
 * The connection pool: at most `poolMax` connections at the server, lent on two lanes.
 *
 * - **Shared**: reads of many callers pipelined on one connection. At most half of the connections (at least one), so
 *   that reads can never keep writes and transactions out.
 * - **Exclusive**: one caller alone. Returned in a transaction, or after an interruption, the connection is destroyed
 *   and never handed on.
 *
 * Waiting is first come, first served per lane, bounded in time and number. A connection counts until its socket is
 * closed: counting it out earlier would let the server see more than `poolMax`. One that was not used for a second is
 * asked whether it still answers before a write relies on it.
 *
 * Which connection a caller gets is decided in `pool/Connections.ts`; opening them in `pool/Connector.ts`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Random from "effect/Random"
import { DbConfig } from "../config/DbConfig.ts"
import { Driver } from "../driver/Driver.ts"
import type { Session } from "../driver/Session.ts"
import type { Lanes } from "../driver/Statements.ts"
import type { DbError } from "../errors/DbError.ts"
import { Connections } from "./pool/Connections.ts"
import * as Connector from "./pool/Connector.ts"
import { type CloseReason, Entry, isOrderly } from "./pool/Entry.ts"
import * as Lending from "./pool/Lending.ts"
import { Lineage } from "./pool/Lineage.ts"
import { Counters, type PoolSnapshot } from "./pool/Snapshot.ts"
import * as Upkeep from "./pool/Upkeep.ts"
import { type Lane, type Waiter, Waiters } from "./pool/Waiters.ts"

export type { CloseReason } from "./pool/Entry.ts"
export type { PoolSnapshot } from "./pool/Snapshot.ts"

/** After a failed attempt the pool makes do with the connections it has for this long, if it has any. Milliseconds. */
const growPause = 1000

/** A connection that is asked whether it still answers has this long to say so. */
const probeTimeout = 1000

/** The server ends a statement at its own limit; an answer on its way may take this much longer. Milliseconds. */
const settleGrace = 500

/** How often a closing pool looks whether everything is done. */
const drainStep = "10 millis"

export class Pool extends Context.Service<
  Pool,
  Lanes & {
    /** Every counter, now. */
    readonly snapshot: Effect.Effect<PoolSnapshot>
    /** Server processes of its connections, as far as they are known: behind a pooler they are other clients' too. */
    readonly pids: Effect.Effect<ReadonlySet<number>>
    /**
     * Gives every connection up: idle ones at once, the others when their callers are done. For when the server behind
     * them is not the primary any more. The next ones are opened to whatever the name resolves to then.
     */
    readonly evict: Effect.Effect<void>
    /**
     * Lends to nobody who begins now, and waits up to `DbConfig.drainTimeout` for those who began before. What is still
     * running then is cancelled at the server. Closing the pool does this first.
     */
    readonly drain: Effect.Effect<void>
  }
>()("@ems/db-core/connection/Pool") {
  /** A new pool for each call: a layer is built once for as long as it is the same object. */
  static readonly layerNoDeps = () => Layer.provide(Layer.effect(Pool, make), CircuitBreaker.layerStoreMemory())
}

const make = Effect.gen(function*() {
  const config = yield* DbConfig
  const driver = yield* Driver
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const fork = yield* FiberSet.makeRuntime()

  const max = Math.min(config.poolMax, driver.capabilities.maxSessions ?? Infinity)
  const sharedMax = Math.max(1, Math.floor(max / 2))
  const counters = new Counters()
  const connector = yield* Connector.make(driver, counters)
  const waiters = new Waiters()
  const lineage = new Lineage()
  let opening = 0
  let growAgainAt = 0
  /** Counts evictions: a connection that was begun before one is not kept. */
  let generation = 0
  let isDraining = false
  let isClosed = false

  const now = () => clock.currentTimeMillisUnsafe()

  const discard = (entry: Entry, reason: CloseReason): void => {
    if (entry.state === "closing") return
    entry.state = "closing"
    counters.closed[reason]++
    fork(isOrderly[reason] ? entry.session.close : entry.session.destroy)
  }

  const probe = (entry: Entry, when: "ahead" | "before", timeout = probeTimeout): void => {
    if (when === "before") entry.state = "probing"
    fork(Effect.onExit(Effect.timeout(entry.session.ping, timeout), (exit) =>
      Effect.sync(() => {
        if (Exit.isFailure(exit)) discard(entry, "dead")
        else if (entry.state === "probing") connections.rest(entry)
        pump()
      })))
  }

  const connections: Connections = new Connections(
    {
      max,
      sharedMax,
      sharedDepth: config.poolSharedDepth,
      maxDepth: config.poolSharedDepth * 4,
      poolMaxUses: config.poolMaxUses
    },
    clock,
    {
      discard,
      probe,
      open: () => {
        open()
        return opening
      }
    }
  )
  const { entries } = connections

  const lend = (entry: Entry): void => {
    counters.acquireCount++
    connections.lend(entry)
  }

  const hand = (waiter: Waiter, entry: Entry): void => {
    counters.waited(now() - waiter.since)
    lend(entry)
    waiter.served = entry
    Deferred.doneUnsafe(waiter.deferred, Exit.succeed(entry))
  }

  const find = (lane: Lane): Entry | undefined => connections.take(lane, opening, waiters.count("exclusive"))

  const pump = (): void => {
    waiters.serve(find, hand)
    openForWaiters()
  }

  /** One connection for each caller that needs its own, one for every full shared lane; never more than can be used. */
  const openForWaiters = (): void => {
    const forSharing = Math.min(
      Math.ceil(waiters.count("shared") / config.poolSharedDepth),
      Math.max(0, sharedMax - connections.count("shared"))
    )
    const coming = opening + connections.count("probing")
    for (let missing = waiters.count("exclusive") + forSharing - coming; missing > 0; missing--) open()
  }

  const failWaiters = (error: DbError): void => {
    for (const waiter of waiters.takeAll()) Deferred.doneUnsafe(waiter.deferred, Exit.fail(error))
  }

  const open = (): void => {
    if (isClosed || entries.size + opening >= max) return
    if (entries.size + opening > 0 && now() < growAgainAt) return
    opening++
    const begun = generation
    fork(Effect.onExit(connector.connect, (exit) =>
      Effect.sync(() => {
        opening--
        if (Exit.isSuccess(exit)) return admit(exit.value, begun)
        growAgainAt = now() + growPause
        // With other connections left their callers will give them back; with none, everybody is told now.
        if (entries.size + opening === 0) failWaiters(Option.getOrElse(Exit.findErrorOption(exit), Lending.closedError))
        pump()
      })))
  }

  const evictAll = (except?: Entry): void => {
    generation++
    for (const entry of entries) {
      if (entry === except) continue
      entry.isRetired = true
      if (entry.state === "idle") discard(entry, "failover")
    }
  }

  const admit = (session: Session, begun: number): void => {
    counters.created++
    const lifetime = config.poolMaxLifetime * (1 - random.nextDoubleUnsafe() * 0.1)
    const entry = new Entry(session, now(), now() + lifetime)
    entries.add(entry)
    session.accepts = (identity) => {
      const verdict = lineage.judge(identity)
      if (verdict === "replaced" || (verdict === "another" && entry.isRetired)) return false
      if (verdict === "another") {
        lineage.follow(identity)
        evictAll(entry)
      }
      return true
    }
    session.onGone(() => {
      entries.delete(entry)
      if (entry.state !== "closing") {
        entry.state = "closing"
        counters.closed.lost++
      }
      pump()
    })
    if (isClosed) discard(entry, "shutdown")
    else if (begun !== generation) discard(entry, "failover")
    pump()
  }

  const release = (entry: Entry, wasInterrupted: boolean): void => {
    // The others speak to the same server, or to one that it replaced: their next callers would fail one by one.
    if (entry.session.isSuperseded && !entry.isRetired) evictAll()
    if (connections.giveBack(entry) && entry.state !== "closing") {
      const reason = isClosed ? "shutdown" : wasInterrupted ? "interrupted" : entry.unfit(config, now())
      // Whoever gets it alone would wait for what nobody waits for any more.
      if (reason === undefined && entry.isOwing) probe(entry, "before", config.queryTimeout + settleGrace)
      else if (reason === undefined) connections.rest(entry)
      else discard(entry, reason)
    }
    if (waiters.size > 0) pump()
  }

  const { lease, shared } = Lending.make({
    config,
    max,
    clock,
    connections,
    counters,
    waiters,
    find,
    lend,
    release,
    openForWaiters,
    isRefused: (mayPass) => isClosed || (isDraining && !mayPass)
  })

  const evict = Effect.sync(() => evictAll())

  const snapshot = Effect.map(connector.circuit, (circuit): PoolSnapshot => {
    const held = connections.longestHeld
    return {
      max,
      total: entries.size,
      opening,
      idle: connections.count("idle"),
      probing: connections.count("probing"),
      acquired: connections.count("exclusive"),
      shared: connections.count("shared"),
      sharedStatements: connections.sharedStatements,
      waiting: waiters.size,
      longestWaitMs: waiters.oldestSince === undefined ? 0 : now() - waiters.oldestSince,
      longestHeldMs: held?.holder === undefined ? 0 : now() - held.holder.since,
      longestHolder: held?.holder?.name,
      circuit,
      created: counters.created,
      closed: { ...counters.closed },
      connectFailures: counters.connectFailures,
      lastConnectError: counters.lastConnectError,
      acquireCount: counters.acquireCount,
      emptyAcquireCount: counters.emptyAcquireCount,
      timeouts: counters.timeouts,
      leaks: counters.leaks,
      waits: counters.waits
    }
  })

  const pids = Effect.sync(() =>
    new Set([...entries].map(({ session }) => session.identity?.pid ?? session.backendPid))
  )

  yield* Upkeep.make(config, { connections, counters, discard, now })

  const drain = Effect.suspend(() => {
    if (isDraining) return Effect.void
    isDraining = true
    return Effect.sleep(drainStep).pipe(
      Effect.repeat({ while: () => connections.isInUse || waiters.size > 0 }),
      Effect.timeoutOption(config.drainTimeout),
      Effect.when(Effect.sync(() => connections.isInUse || waiters.size > 0)),
      Effect.andThen(Effect.suspend(() =>
        Effect.forEach(
          [...entries].filter(({ state }) => state === "exclusive"),
          ({ session }) => session.cancel,
          { concurrency: "unbounded", discard: true }
        )
      ))
    )
  })

  // Runs before the fibres of `fork` are ended: finalizers run in reverse order.
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      drain,
      Effect.suspend(() => {
        isClosed = true
        failWaiters(Lending.closedError())
        for (const entry of entries) discard(entry, "shutdown")
        return Effect.forEach([...entries], (entry) => entry.session.awaitGone, {
          concurrency: "unbounded",
          discard: true
        }).pipe(Effect.timeoutOption("2 seconds"))
      })
    )
  )

  return { shared, lease, snapshot, pids, evict, drain }
})
