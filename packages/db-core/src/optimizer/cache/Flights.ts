/**
 * Queries under way for cached answers. Of one key at most one runs and one waits to run. A reader may join the one that
 * runs only if its answer would be good enough for the reader had it been in the cache already; otherwise it shares the
 * next one with all who came meanwhile.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { DbError } from "../../errors/DbError.ts"

/** One query for one key. */
export interface Flight<A> {
  readonly answer: Deferred.Deferred<A, DbError>
  readonly start: () => Fiber.Fiber<A, DbError>
  fiber: Fiber.Fiber<A, DbError> | undefined
  waiters: number
  /** Nobody waited any more: it was interrupted, and has no answer for those who come. */
  isAbandoned: boolean
}

interface Lane<A, K> {
  running: Flight<A> & { readonly facts: K }
  next: (Flight<A> & { readonly facts: K }) | undefined
}

/** `K`: what was true when a flight began. */
export class Flights<A, K> {
  private readonly lanes = new Map<string, Lane<A, K>>()

  get count(): number {
    return this.lanes.size
  }

  /**
   * The answer for `key`. `mayJoin` says whether the running flight would do; `begin` notes what is true at the moment
   * at which a flight begins, and `run` starts it.
   */
  take(
    key: string,
    mayJoin: (facts: K) => boolean,
    begin: () => K,
    run: (facts: K) => Fiber.Fiber<A, DbError>,
    joined: () => void
  ): Effect.Effect<A, DbError> {
    return Effect.suspend(() => {
      const lane = this.lanes.get(key)
      if (lane === undefined) return this.wait(this.launch(key, begin, run))
      if (!lane.running.isAbandoned && mayJoin(lane.running.facts)) {
        joined()
        return this.wait(lane.running)
      }
      if (lane.next === undefined) lane.next = this.later(begin, run)
      else joined()
      return this.wait(lane.next)
    })
  }

  private make(facts: K, start: () => Fiber.Fiber<A, DbError>): Flight<A> & { readonly facts: K } {
    return { facts, start, answer: Deferred.makeUnsafe<A, DbError>(), fiber: undefined, waiters: 0, isAbandoned: false }
  }

  private launch(key: string, begin: () => K, run: (facts: K) => Fiber.Fiber<A, DbError>) {
    const facts = begin()
    const flight = this.make(facts, () => run(facts))
    const lane: Lane<A, K> = { running: flight, next: undefined }
    this.lanes.set(key, lane)
    this.fly(key, lane)
    return flight
  }

  /** Its facts are those of the moment when it starts. */
  private later(begin: () => K, run: (facts: K) => Fiber.Fiber<A, DbError>) {
    let facts: K | undefined
    const flight = {
      answer: Deferred.makeUnsafe<A, DbError>(),
      fiber: undefined as Fiber.Fiber<A, DbError> | undefined,
      waiters: 0,
      isAbandoned: false,
      get facts(): K {
        return facts ??= begin()
      },
      start: () => run(flight.facts)
    }
    return flight
  }

  private fly(key: string, lane: Lane<A, K>): void {
    const flight = lane.running
    const fiber = flight.fiber = flight.start()
    fiber.addObserver((exit) => {
      Deferred.doneUnsafe(flight.answer, exit)
      const { next } = lane
      // Nobody waits any more: nothing to fly for.
      if (next === undefined || next.waiters === 0) {
        this.lanes.delete(key)
        if (next !== undefined) Deferred.doneUnsafe(next.answer, Exit.interrupt())
        return
      }
      lane.running = next
      lane.next = undefined
      this.fly(key, lane)
    })
  }

  /** A flight goes on as long as anybody waits for it, not only the one it began for. */
  private wait(flight: Flight<A>): Effect.Effect<A, DbError> {
    flight.waiters++
    return Effect.onExitPrimitive(Deferred.await(flight.answer), (exit) => {
      flight.waiters--
      if (flight.waiters === 0 && Exit.hasInterrupts(exit) && flight.fiber !== undefined) {
        flight.isAbandoned = true
        flight.fiber.interruptUnsafe()
      }
      return undefined
    })
  }
}
