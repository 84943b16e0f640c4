/**
 * Brings a caller back in time, whatever the database does.
 *
 * A timer for each call would cost a quarter of the throughput of point reads, so calls are kept in slots of ten
 * milliseconds that one fibre walks while there are any. When a deadline passes the caller is released at once; the work
 * is interrupted behind its back: on a connection of its own the statement is cancelled and, if that is not answered,
 * the socket destroyed; a shared connection is destroyed only when the server has been silent for as long as it may be.
 */
import type { Clock } from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { type Alarms, type Budget, CurrentBudget, type Expiry, type Progress } from "../driver/Budget.ts"
import { DbError, type Fate } from "../errors/DbError.ts"

/** Width of a slot: a caller is released at most this long after its deadline, the event loop willing. Milliseconds. */
const slotWidth = 10

/** A cancelled statement is usually gone within 100 ms; a connection that does not answer by now is given up. */
const cancelGrace = 250

/** The server ends a statement at its own limit; an answer on its way may take this much longer. Milliseconds. */
const silenceGrace = 500

/** What may have become of a call whose caller stops waiting. */
export const fates: { readonly [P in Progress]: Fate } = {
  nothing: "NotSent",
  sent: "Unknown",
  transaction: "RolledBack",
  commit: "Unknown"
}

export interface Deadlines extends Alarms {
  /** Fails with `DeadlineExceeded` unless `effect` ends within `timeout` milliseconds; `Infinity` for no limit. */
  readonly within: <A, E, R>(effect: Effect.Effect<A, E, R>, timeout: number) => Effect.Effect<A, E | DbError, R>
}

/**
 * `fork` runs what outlives a caller, in the scope of the data layer. `statementTimeout` is the sessions' own limit,
 * which is also the usual `timeout`.
 */
export const make = (
  clock: Clock,
  fork: (effect: Effect.Effect<void>) => unknown,
  statementTimeout: number
): Deadlines => {
  const slots = new Map<number, Set<Expiry>>()
  let isWalking = false

  const walk: Effect.Effect<void> = Effect.suspend(() => {
    const due = Math.floor(clock.currentTimeMillisUnsafe() / slotWidth)
    for (const [slot, calls] of slots) {
      if (slot >= due) continue
      slots.delete(slot)
      for (const call of calls) call.expire()
    }
    if (slots.size > 0) return Effect.andThen(Effect.sleep(slotWidth), walk)
    isWalking = false
    return Effect.void
  })

  const set: Alarms["set"] = (at, expiry) => {
    const slot = Math.floor(at / slotWidth)
    const calls = slots.get(slot)
    if (calls === undefined) slots.set(slot, new Set([expiry]))
    else calls.add(expiry)
    if (isWalking) return
    isWalking = true
    fork(walk)
  }

  const clear: Alarms["clear"] = (at, expiry) => {
    const slot = Math.floor(at / slotWidth)
    const calls = slots.get(slot)
    if (calls?.delete(expiry) === true && calls.size === 0) slots.delete(slot)
  }

  const later = (wait: number, then: () => Effect.Effect<void>) =>
    fork(Effect.andThen(Effect.sleep(wait), Effect.suspend(then)))

  const suspect: Alarms["suspect"] = (session, heard) => {
    later(statementTimeout + silenceGrace, () => session.heard === heard ? session.destroy : Effect.void)
  }

  /** Sees to it that the work of a caller who is gone does not hold its connections. */
  const abandon = <A, E>(work: Fiber.Fiber<A, E>, budget: Budget): void => {
    const holds = [...budget.holds]
    work.interruptUnsafe()
    for (const session of holds) {
      later(cancelGrace, () => work.pollUnsafe() === undefined ? session.destroy : Effect.void)
    }
    if (budget.shared !== undefined) suspect(budget.shared, budget.heard)
  }

  const exceeded = (budget: Budget, timeout: number): DbError =>
    DbError.of("DeadlineExceeded", fates[budget.progress], "query", {
      message: budget.progress === "nothing"
        ? `no connection within ${timeout} ms`
        : `no answer within ${timeout} ms`
    })

  const within = <A, E, R>(effect: Effect.Effect<A, E, R>, timeout: number): Effect.Effect<A, E | DbError, R> =>
    Effect.withFiber<A, E | DbError, R>((parent) => {
      const outer = parent.getRef(CurrentBudget)
      const at = clock.currentTimeMillisUnsafe() + timeout
      // Inside a call whose deadline comes first, that one holds.
      if (outer !== undefined && outer.at <= at) return effect
      const budget: Budget = {
        at,
        unusual: timeout === statementTimeout ? undefined : timeout,
        progress: "nothing",
        isOver: false,
        holds: [],
        shared: undefined,
        heard: 0
      }
      if (timeout === Number.POSITIVE_INFINITY) return Effect.provideService(effect, CurrentBudget, budget)
      return Effect.callback((resume) => {
        // The caller runs this effect, so its context has the services of `R`.
        const context = Context.add(parent.context as Context.Context<R>, CurrentBudget, budget)
        const work = Effect.runForkWith(context)(effect)
        const expiry: Expiry = {
          expire: () => {
            if (budget.isOver) return
            budget.isOver = true
            abandon(work, budget)
            resume(Effect.fail(exceeded(budget, timeout)))
          }
        }
        set(at, expiry)
        work.addObserver((exit) => {
          if (budget.isOver) return
          budget.isOver = true
          clear(at, expiry)
          resume(exit)
        })
        return Effect.suspend(() => {
          budget.isOver = true
          clear(at, expiry)
          abandon(work, budget)
          return Effect.callback<void>((done) => {
            work.addObserver(() => done(Effect.void))
          })
        })
      })
    })

  return { within, set, clear, suspect }
}
