/**
 * Lends the pool's connections to callers, who wait their turn: in one step with noting what they have, so that no
 * moment is left in which a connection could be lost.
 */
import * as Cause from "effect/Cause"
import type { Clock } from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { DbConfigShape } from "../../config/DbConfig.ts"
import { CurrentBudget } from "../../driver/Budget.ts"
import type { Session } from "../../driver/Session.ts"
import type { Lanes } from "../../driver/Statements.ts"
import { DbError, isDbError } from "../../errors/DbError.ts"
import type { Connections } from "./Connections.ts"
import type { Entry } from "./Entry.ts"
import { Holder } from "./Holder.ts"
import type { Counters } from "./Snapshot.ts"
import type { Lane, Waiter, Waiters } from "./Waiters.ts"

/** What the pool does for those who borrow. */
export interface Lender {
  readonly config: Pick<DbConfigShape, "acquireTimeout" | "poolMaxWaiting">
  readonly max: number
  readonly clock: Clock
  readonly connections: Connections
  readonly counters: Counters
  readonly waiters: Waiters
  /** A connection for the lane, if there is one now. */
  readonly find: (lane: Lane) => Entry | undefined
  readonly lend: (entry: Entry) => void
  readonly release: (entry: Entry, wasInterrupted: boolean) => void
  readonly openForWaiters: () => void
  /** Nobody is served any more; `mayPass` for work that had begun before. */
  readonly isRefused: (mayPass: boolean) => boolean
}

/** What a caller has, at any moment: whoever cleans up after it looks here. */
interface Held {
  entry: Entry | undefined
  waiter: Waiter | undefined
}

/** Its caller went away, or was sent away by a deadline; a shared statement goes on without one. */
const isAbandoned = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) =>
    Cause.isInterruptReason(reason) ||
    (Cause.isFailReason(reason) && isDbError(reason.error) && reason.error.reason._tag === "DeadlineExceeded")
  )

export const closedError = () =>
  DbError.of("PoolClosed", "NotSent", "acquire", { message: "the pool is closed: the process is shutting down" })

export const make = (lender: Lender): Lanes => {
  const { config, connections, counters, find, lend, max, openForWaiters, release, waiters } = lender
  const now = () => lender.clock.currentTimeMillisUnsafe()

  const giveBack = ({ entry, waiter }: Held, wasInterrupted: boolean): void => {
    const held = entry ?? waiter?.served
    if (held !== undefined) release(held, wasInterrupted)
  }

  const wait = (waiter: Waiter, until: number): Effect.Effect<Entry, DbError> => {
    const patience = Math.min(config.acquireTimeout, Math.max(0, until - now()))
    return Deferred.await(waiter.deferred).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => {
          // Served in the same tick: the connection is ours.
          if (waiter.served !== undefined) return Effect.succeed(waiter.served)
          waiters.remove(waiter)
          counters.timeouts++
          counters.waited(patience)
          const held = connections.longestHeld
          return Effect.fail(
            DbError.of(patience < config.acquireTimeout ? "DeadlineExceeded" : "PoolTimeout", "NotSent", "acquire", {
              message: `no connection within ${Math.round(patience)} ms: ${connections.count("exclusive")} acquired, ${
                connections.count("shared")
              } shared, ${waiters.size} waiting, max ${max}${
                held?.holder === undefined ? "" : `; the longest is held for ${now() - held.holder.since} ms`
              }`
            })
          )
        }
      }),
      Effect.onInterrupt(() => Effect.sync(() => waiters.remove(waiter)))
    )
  }

  /** A connection at once, or else a place in the queue; noted in `held` in the same step. */
  const take = (lane: Lane, held: Held, mayPass: boolean): DbError | undefined => {
    if (lender.isRefused(mayPass)) return closedError()
    // Who waits already goes first.
    const entry = waiters.has(lane) ? undefined : find(lane)
    if (entry !== undefined) {
      lend(entry)
      held.entry = entry
      return undefined
    }
    if (waiters.size >= config.poolMaxWaiting) {
      return DbError.of("PoolQueueFull", "NotSent", "acquire", {
        message: `${waiters.size} callers wait for a connection already; allow more with EMS_POOL_MAX_WAITING`
      })
    }
    counters.emptyAcquireCount++
    held.waiter = { lane, since: now(), deferred: Deferred.makeUnsafe(), served: undefined }
    waiters.add(held.waiter)
    openForWaiters()
    return undefined
  }

  const shared: Lanes["shared"] = (use, until = Number.POSITIVE_INFINITY) =>
    Effect.suspend(() => {
      const held: Held = { entry: undefined, waiter: undefined }
      // The clean-up stands before anything is taken, so that no moment is left in which a connection could be lost.
      return Effect.onExitPrimitive(
        Effect.suspend(() => {
          const failure = take("shared", held, false)
          if (failure !== undefined) return Effect.fail(failure)
          if (held.entry !== undefined) return use(held.entry.session)
          return Effect.flatMap(wait(held.waiter!, until), (entry) => use(entry.session))
        }),
        (exit) => {
          const entry = held.entry ?? held.waiter?.served
          if (entry !== undefined && exit._tag === "Failure" && isAbandoned(exit.cause)) entry.isOwing = true
          giveBack(held, false)
          return undefined
        }
      )
    })

  const lease: Effect.Effect<Session, DbError, Scope.Scope> = Effect.uninterruptibleMask((restore) =>
    Effect.withFiber((fiber) => {
      const held: Held = { entry: undefined, waiter: undefined }
      const budget = fiber.getRef(CurrentBudget)
      // Work that has begun may end: what became of its COMMIT, for one, is asked on another connection.
      const failure = take("exclusive", held, budget !== undefined && budget.progress !== "nothing")
      if (failure !== undefined) return Effect.fail(failure)
      const entry = held.entry !== undefined
        ? Effect.succeed(held.entry)
        : Effect.onInterrupt(
          restore(wait(held.waiter!, Number.POSITIVE_INFINITY)),
          () => Effect.sync(() => giveBack(held, false))
        )
      return Effect.flatMap(entry, (taken) => {
        taken.holder = new Holder(now(), fiber.id, fiber.context)
        return Effect.as(
          Effect.addFinalizer((exit) => Effect.sync(() => giveBack(held, Exit.hasInterrupts(exit)))),
          taken.session
        )
      })
    })
  )

  return { shared, lease }
}
