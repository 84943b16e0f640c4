/**
 * Virtual time and the one queue in which everything happens: deliveries of the network, Effect's clock and scheduler,
 * and the raw timers of the wire client.
 *
 * Effect's `TestClock` keeps a queue of its own, and would wake all sleepers up to a moment without letting the network
 * in between; here a sleep is an event like any other, so there is one order, and the seed decides it.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import { Heap } from "./Heap.ts"

/** Something that happens later; `cancel` takes it back. */
export interface Event {
  readonly at: number
  /** Events of the same moment happen in the order in which they were planned. */
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** An arbitrary start, so that nothing works only because the time is 0. Milliseconds. */
const beginning = 1_000_000

/** Kept from before the timers were replaced. */
const realImmediate = globalThis.setImmediate

/** Ends when every microtask and every `process.nextTick` that was due has run. */
const turn = (): Promise<void> => new Promise((resolve) => void realImmediate(resolve))

/** Longer than any honest run takes: whoever gets there waits for something that never comes. Milliseconds. */
const longest = 600_000

export class World {
  /** Milliseconds, in whole microseconds. */
  now = beginning
  private planned = 0
  private ready: Array<() => void> = []
  private readonly events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  private readonly lines: Array<string> = []

  /** Since the beginning. */
  get elapsed(): number {
    return this.now - beginning
  }

  get trace(): ReadonlyArray<string> {
    return this.lines
  }

  note(text: string): void {
    this.lines.push(`${this.elapsed.toFixed(3)} ${text}`)
  }

  at(time: number, run: () => void): Event {
    const at = Math.max(this.now, Math.round(time * 1000) / 1000)
    const event: Event = { at, order: this.planned++, run, cancelled: false }
    this.events.push(event)
    return event
  }

  after(delay: number, run: () => void): Event {
    return this.at(this.now + delay, run)
  }

  /** As `setTimeout` has it: whole milliseconds, at least one. */
  timer(delay: number, run: () => void): Event {
    return this.after(Math.max(1, Math.trunc(delay) || 0), run)
  }

  /** In this moment, behind what is there already. */
  soon(run: () => void): () => void {
    let isCancelled = false
    this.ready.push(() => {
      if (!isCancelled) run()
    })
    return () => {
      isCancelled = true
    }
  }

  /** Lets everything happen until `isDone`. Says `false` when nothing is left to happen before that. */
  async run(isDone: () => boolean): Promise<boolean> {
    while (this.elapsed < longest) {
      await turn()
      if (this.ready.length > 0) {
        const ready = this.ready
        this.ready = []
        for (const task of ready) task()
        continue
      }
      if (isDone()) return true
      let event = this.events.pop()
      while (event?.cancelled === true) event = this.events.pop()
      if (event === undefined) return false
      this.now = event.at
      event.run()
    }
    return false
  }

  readonly scheduler: Scheduler.Scheduler = new Scheduler.MixedScheduler("async", (run) => this.soon(run))

  readonly clock: Clock.Clock = (() => {
    const millis = () => Math.floor(this.now)
    const nanos = () => BigInt(Math.round(this.now * 1000)) * 1000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => {
        const millis = Duration.toMillis(duration)
        if (millis <= 0) return Effect.yieldNow
        if (!Number.isFinite(millis)) return Effect.never
        return Effect.callback<void>((resume) => {
          const event = this.timer(millis, () => resume(Effect.void))
          return Effect.sync(() => {
            event.cancelled = true
          })
        })
      }
    }
  })()
}
