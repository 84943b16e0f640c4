/**
 * Tallies of the last minute, hour and day, and of all time, in bounded memory.
 *
 * Each window is a ring of four slots: it reaches back at least three quarters of its length and never further than
 * all of it. Counting touches the youngest slot of the shortest ring alone; when its time is over it is added to the
 * others.
 */
import { Tally } from "./Tally.ts"

/** `minute`: the last 45 to 60 seconds, `hour`: 45 to 60 minutes, `day`: 18 to 24 hours. `all`: since start or reset. */
export type Window = "minute" | "hour" | "day" | "all"

const slots = 4

class Ring {
  private readonly width: number
  private readonly tallies: Array<Tally | undefined> = Array.from({ length: slots })
  private readonly ticks: Array<number> = Array.from({ length: slots }, () => -1)

  constructor(lengthMs: number) {
    this.width = lengthMs / slots
  }

  /** The slot of that time; what was there a whole turn ago is dropped. */
  at(ms: number): Tally {
    const tick = Math.floor(ms / this.width)
    const place = tick % slots
    const tally = this.tallies[place] ??= new Tally()
    if (this.ticks[place] !== tick) {
      tally.clear()
      this.ticks[place] = tick
    }
    return tally
  }

  /** Slot by slot. */
  add(other: Ring, ms: number): void {
    const tick = Math.floor(ms / this.width)
    for (let place = 0; place < slots; place++) {
      const theirs = other.ticks[place]!
      if (theirs <= tick && tick - theirs < slots) this.at(theirs * this.width).add(other.tallies[place]!)
    }
  }

  each(ms: number, use: (tally: Tally) => void): void {
    const tick = Math.floor(ms / this.width)
    for (let place = 0; place < slots; place++) {
      const age = tick - this.ticks[place]!
      if (age >= 0 && age < slots) use(this.tallies[place]!)
    }
  }
}

const minute = 60_000
const step = minute / slots

export class Windows {
  private readonly rings = {
    minute: new Ring(minute),
    hour: new Ring(60 * minute),
    day: new Ring(24 * 60 * minute)
  }
  private readonly past = new Tally()
  private open: Tally
  /** Of the open slot; after its end the next one is opened. */
  private from: number
  private until: number

  constructor(now: number) {
    this.from = Math.floor(now / step) * step
    this.until = this.from + step
    this.open = this.rings.minute.at(now)
  }

  /** Where to count what happens at `now`. A clock that was set back counts in the slot that is open. */
  at(now: number): Tally {
    if (now >= this.until) this.turn(now)
    return this.open
  }

  /** Calls `use` with what a window is the sum of. */
  each(window: Window, now: number, use: (tally: Tally) => void): void {
    const open = this.at(now)
    if (window === "all") use(this.past)
    else this.rings[window].each(now, use)
    if (window !== "minute") use(open)
  }

  /** A copy. */
  read(window: Window, now: number): Tally {
    const sum = new Tally()
    this.each(window, now, (tally) => sum.add(tally))
    return sum
  }

  /** Adds all windows of `other` to these. */
  add(other: Windows, now: number): void {
    this.at(now)
    other.at(now)
    for (const ring of ["minute", "hour", "day"] as const) this.rings[ring].add(other.rings[ring], now)
    this.past.add(other.past)
  }

  private turn(now: number): void {
    this.rings.hour.at(this.from).add(this.open)
    this.rings.day.at(this.from).add(this.open)
    this.past.add(this.open)
    this.from = Math.floor(now / step) * step
    this.until = this.from + step
    this.open = this.rings.minute.at(now)
  }
}
