/** What is kept of one fingerprint. */
import type { ReasonTag } from "../../errors/SqlState.ts"
import type { Fingerprint } from "../../telemetry/Fingerprint.ts"
import type { OperationDuration } from "../../telemetry/OperationDuration.ts"
import type { PlanHistory } from "./PlanShape.ts"
import type { Tally } from "./Tally.ts"
import { type Window, Windows } from "./Windows.ts"

/** What the cache counts by itself: one object for each query, so that a hit costs one addition. */
export interface CacheCounter {
  hits: number
  misses: number
  bypasses: number
}

export interface Caller {
  readonly name: string
  calls: number
}

/** Callers that are told apart; those that come later are not counted one by one. */
const mostCallers = 8

/** Characters of a caller's name that are kept. */
const longestName = 128

export class QueryEntry {
  readonly fingerprint: Fingerprint
  /** Of its statements that succeeded. */
  readonly succeeded: OperationDuration
  /** The last one given. */
  name: string | undefined = undefined
  readonly firstSeen: number
  lastSeen: number
  readonly errors = new Map<ReasonTag, number>()
  readonly callers: Array<Caller> = []
  readonly cache: CacheCounter
  plan: PlanHistory | undefined = undefined
  /** Decayed calls: who has the fewest is forgotten first. */
  usage = 0
  isForgotten = false
  /** The cache has its counter. */
  isCached = false
  /** Slow ones are held back until then. */
  logAgainAt = 0
  heldBack = 0
  private windows: Windows
  /** Of all queries. */
  private readonly total: Windows
  /** What of `cache` is in the windows. */
  private readonly settled: CacheCounter
  private lastCaller: Caller | undefined = undefined

  constructor(
    fingerprint: Fingerprint,
    succeeded: OperationDuration,
    cache: CacheCounter,
    settled: CacheCounter,
    total: Windows,
    now: number
  ) {
    this.total = total
    this.fingerprint = fingerprint
    this.succeeded = succeeded
    this.cache = cache
    this.settled = settled
    this.firstSeen = this.lastSeen = now
    this.windows = new Windows(now)
  }

  record(now: number, us: number, rows: number, isError: boolean, isSlow: boolean): void {
    this.usage++
    this.lastSeen = now
    this.windows.at(now).record(us, rows, isError, isSlow)
    this.total.at(now).record(us, rows, isError, isSlow)
  }

  unsent(now: number): void {
    this.usage++
    this.lastSeen = now
    for (const windows of [this.windows, this.total]) {
      const tally = windows.at(now)
      tally.unsent++
      tally.errors++
    }
  }

  failed(reason: ReasonTag): void {
    this.errors.set(reason, (this.errors.get(reason) ?? 0) + 1)
  }

  calledBy(name: string): void {
    let caller = this.lastCaller
    if (caller?.name !== name) {
      const short = name.length > longestName ? name.slice(0, longestName) : name
      caller = this.callers.find((known) => known.name === short)
      if (caller === undefined) {
        if (this.callers.length >= mostCallers) return
        this.callers.push(caller = { name: short, calls: 0 })
      }
      this.lastCaller = caller
    }
    caller.calls++
  }

  /** Counts what the cache counted since. Cheap; the windows are as exact as this is called often. */
  settle(now: number): void {
    const { cache, settled } = this
    const hits = cache.hits - settled.hits
    const misses = cache.misses - settled.misses
    const bypasses = cache.bypasses - settled.bypasses
    if (hits === 0 && misses === 0 && bypasses === 0) return
    for (const windows of [this.windows, this.total]) {
      const tally = windows.at(now)
      tally.hits += hits
      tally.misses += misses
      tally.bypasses += bypasses
    }
    Object.assign(settled, cache)
    this.usage += hits
    this.lastSeen = now
  }

  read(window: Window, now: number): Tally {
    this.settle(now)
    return this.windows.read(window, now)
  }

  /** Calls `use` with what a window is the sum of. */
  each(window: Window, now: number, use: (tally: Tally) => void): void {
    this.settle(now)
    this.windows.each(window, now, use)
  }

  /** Drops what it counted: texts that are remembered refer to it for a while. */
  forget(now: number): void {
    this.isForgotten = true
    this.windows = new Windows(now)
  }

  /** Takes over what `other` counted. */
  absorb(other: QueryEntry, now: number): void {
    other.settle(now)
    this.windows.add(other.windows, now)
    for (const [reason, count] of other.errors) this.errors.set(reason, (this.errors.get(reason) ?? 0) + count)
    this.lastSeen = Math.max(this.lastSeen, other.lastSeen)
  }
}
