/**
 * Callers that wait for a connection: first come, first served per lane.
 */
import type * as Deferred from "effect/Deferred"
import type { DbError } from "../../errors/DbError.ts"
import type { Entry } from "./Entry.ts"

export type Lane = "shared" | "exclusive"

export interface Waiter {
  readonly lane: Lane
  readonly since: number
  readonly deferred: Deferred.Deferred<Entry, DbError>
  served: Entry | undefined
}

export class Waiters {
  private readonly queue: Array<Waiter> = []

  get size(): number {
    return this.queue.length
  }

  /** When the one who waits the longest began to. */
  get oldestSince(): number | undefined {
    return this.queue[0]?.since
  }

  count(lane: Lane): number {
    let found = 0
    for (const waiter of this.queue) if (waiter.lane === lane) found++
    return found
  }

  /** Whether somebody waits for `lane`: who comes now goes behind. */
  has(lane: Lane): boolean {
    return this.queue.length > 0 && this.queue.some((waiter) => waiter.lane === lane)
  }

  add(waiter: Waiter): void {
    this.queue.push(waiter)
  }

  remove(waiter: Waiter): void {
    const at = this.queue.indexOf(waiter)
    if (at >= 0) this.queue.splice(at, 1)
  }

  /** Everybody, who waits no longer. */
  takeAll(): ReadonlyArray<Waiter> {
    return this.queue.splice(0)
  }

  /** Serves in order; a lane that cannot be served does not hold up the other one. */
  serve(find: (lane: Lane) => Entry | undefined, hand: (waiter: Waiter, entry: Entry) => void): void {
    let sharedBlocked = false
    let exclusiveBlocked = false
    for (let at = 0; at < this.queue.length && !(sharedBlocked && exclusiveBlocked);) {
      const waiter = this.queue[at]!
      const isShared = waiter.lane === "shared"
      const entry = (isShared ? sharedBlocked : exclusiveBlocked) ? undefined : find(waiter.lane)
      if (entry === undefined) {
        if (isShared) sharedBlocked = true
        else exclusiveBlocked = true
        at++
        continue
      }
      this.queue.splice(at, 1)
      hand(waiter, entry)
    }
  }
}
