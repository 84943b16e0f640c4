/**
 * Requests at work: how many there may be, and for how long each. Who comes when there are enough is told so at once,
 * which costs nothing; who waits for long has a client that has left.
 *
 * One timer for all of them, and none while there are none: a timeout for each would cost a quarter of the throughput.
 */
import { DbConfig } from "@ems/db-core/config/DbConfig"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"

export interface InFlightSettings {
  /** Requests at work at once, at most; fewer where so many would not be ready in time. */
  readonly max: number
  /** What one may take when it does not say so itself. Milliseconds. */
  readonly timeout: number
}

/**
 * Of what a request may take, the part that the ones before it may take. What is let in and not ready in time is work
 * for nothing, and when all of it is, nobody is served any more.
 */
const share = 0.5

/** How fast requests become ready is an average that forgets over this time. Milliseconds. */
const memory = 1000

/** While nobody knows how fast, so many for each connection of the pool. */
const unmeasured = 4

/** A link of the list of those at work, by the time at which they are to end. */
export class Entry {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** Milliseconds of the clock. */
  readonly at: number
  hasExpired = false
  before: Entry | undefined
  after: Entry | undefined

  constructor(fiber: Fiber.Fiber<unknown, unknown>, at: number) {
    this.fiber = fiber
    this.at = at
  }
}

export class RequestsInFlight extends Context.Service<RequestsInFlight, {
  readonly isFull: () => boolean
  readonly count: () => number
  /** Interrupts `fiber` when it has taken `timeout`, unless it is removed before. */
  readonly add: (fiber: Fiber.Fiber<unknown, unknown>, timeout?: number) => Entry
  readonly remove: (entry: Entry) => void
}>()("@ems/api/limits/RequestsInFlight") {
  static readonly layer = (settings: InFlightSettings) => Layer.effect(RequestsInFlight, make(settings))
}

/**
 * How many requests become ready a second while there are enough of them. Only such time counts: that few became ready
 * while few asked says nothing.
 */
class Capacity {
  private ready = 0
  private busy = 0
  private at = 0

  /** Time went on until `now`, with enough requests or without. */
  advance(now: number, isBusy: boolean): void {
    const elapsed = Math.max(0, now - this.at)
    this.at = now
    if (!isBusy || elapsed === 0) return
    const kept = Math.exp(-elapsed / memory)
    this.ready *= kept
    this.busy = this.busy * kept + elapsed
  }

  note(): void {
    this.ready++
  }

  /** `undefined` before it is known. */
  get perSecond(): number | undefined {
    return this.busy < 100 ? undefined : 1000 * this.ready / this.busy
  }
}

const make = Effect.fnUntraced(function*({ max, timeout: usual }: InFlightSettings) {
  const { poolMax } = yield* DbConfig
  const clock = yield* Clock.Clock
  const run = Effect.runForkWith(yield* Effect.context())
  const capacity = new Capacity()
  let first: Entry | undefined
  let last: Entry | undefined
  let count = 0
  /** When the timer looks at the first; milliseconds of the clock. */
  let wakesAt = Number.POSITIVE_INFINITY
  let watcher: Fiber.Fiber<unknown> | undefined

  const remove = (entry: Entry): void => {
    if (entry.before === undefined && entry !== first) return
    if (entry.before === undefined) first = entry.after
    else entry.before.after = entry.after
    if (entry.after === undefined) last = entry.before
    else entry.after.before = entry.before
    entry.before = entry.after = undefined
    count--
  }

  const expire = (now: number): void => {
    while (first !== undefined && first.at <= now) {
      const entry = first
      capacity.advance(now, count >= poolMax)
      remove(entry)
      entry.hasExpired = true
      entry.fiber.interruptUnsafe()
    }
  }

  const watch = Effect.gen(function*() {
    while (first !== undefined) {
      wakesAt = first.at
      yield* Effect.sleep(Math.max(1, first.at - clock.currentTimeMillisUnsafe()))
      expire(clock.currentTimeMillisUnsafe())
    }
    wakesAt = Number.POSITIVE_INFINITY
  })

  yield* Effect.addFinalizer(() => Effect.sync(() => watcher?.interruptUnsafe()))

  return {
    isFull: () => {
      if (count < poolMax) return false
      if (count >= max) return true
      capacity.advance(clock.currentTimeMillisUnsafe(), true)
      const { perSecond } = capacity
      // Little's law: so many, at this speed, take so long.
      return count > (perSecond === undefined ? unmeasured * poolMax : perSecond * usual / 1000 * share)
    },
    count: () => count,
    add: (fiber, timeout = usual) => {
      const now = clock.currentTimeMillisUnsafe()
      capacity.advance(now, count >= poolMax)
      const entry = new Entry(fiber, now + timeout)
      // From the end: but for a few that may take longer, each ends after those before it.
      let before = last
      while (before !== undefined && before.at > entry.at) before = before.before
      entry.before = before
      entry.after = before === undefined ? first : before.after
      if (before === undefined) first = entry
      else before.after = entry
      if (entry.after === undefined) last = entry
      else entry.after.before = entry
      count++
      if (entry.at < wakesAt) {
        watcher?.interruptUnsafe()
        wakesAt = entry.at
        watcher = run(watch)
      }
      return entry
    },
    remove: (entry) => {
      if (entry.hasExpired) return
      capacity.advance(clock.currentTimeMillisUnsafe(), count >= poolMax)
      if (count >= poolMax) capacity.note()
      remove(entry)
    }
  } satisfies RequestsInFlight["Service"]
})
