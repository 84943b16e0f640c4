/**
 * The pool's connections, and which of them a caller gets.
 */
import type { Clock } from "effect/Clock"
import type { Bounds, CloseReason, Entry } from "./Entry.ts"
import type { Lane } from "./Waiters.ts"

/**
 * A shared connection that finished nothing for this long runs a slow statement, and pipelining behind it would make
 * fast reads slow. Milliseconds; a point read takes well under one.
 */
const stalledAfter = 20

/** How long a statement may wait behind those before it on a shared connection. Milliseconds. */
const queueTarget = 2

/** Weight of the newest statement in the average of how long one takes. */
const serviceWeight = 1 / 16

/**
 * A connection unused for so long is asked whether it still answers before a caller relies on it: a firewall or a
 * sleeping host drops connections without a word. Milliseconds. Source: pgx v5, `Pool.Acquire`, which pings after one
 * second.
 */
const staleAfter = 1000

export interface Limits extends Bounds {
  readonly max: number
  readonly sharedMax: number
  /** Statements on one shared connection before another is used, and how many there may ever be. */
  readonly sharedDepth: number
  readonly maxDepth: number
}

/** What choosing may set in motion. */
export interface Reactions {
  readonly discard: (entry: Entry, reason: CloseReason) => void
  /** One more connection would be of use. Answers how many are being opened. */
  readonly open: () => number
  /** Asks whether it still answers; `ahead` of the statement that is about to be sent on it, or before it is lent. */
  readonly probe: (entry: Entry, when: "ahead" | "before") => void
}

export class Connections {
  readonly entries = new Set<Entry>()
  private readonly limits: Limits
  private readonly clock: Clock
  private readonly reactions: Reactions
  /** Average time from one finished shared statement to the next on its connection. */
  private serviceMs = 0

  constructor(limits: Limits, clock: Clock, reactions: Reactions) {
    this.limits = limits
    this.clock = clock
    this.reactions = reactions
  }

  private now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  count(state: Entry["state"]): number {
    let found = 0
    for (const entry of this.entries) if (entry.state === state) found++
    return found
  }

  get sharedStatements(): number {
    let found = 0
    for (const entry of this.entries) found += entry.depth
    return found
  }

  get isInUse(): boolean {
    for (const { state } of this.entries) if (state === "shared" || state === "exclusive") return true
    return false
  }

  /** Held alone for the longest time. */
  get longestHeld(): Entry | undefined {
    let found: Entry | undefined
    for (const entry of this.entries) {
      if (entry.holder !== undefined && (found === undefined || entry.holder.since < found.holder!.since)) found = entry
    }
    return found
  }

  /** A connection for `lane`, without waiting. `opening` are on their way; `waiting` callers want one of their own. */
  take(lane: Lane, opening: number, waiting: number): Entry | undefined {
    return lane === "shared" ? this.takeShared(opening) : this.takeExclusive(opening, waiting)
  }

  private takeIdle(lane: Lane, waiting = 0): Entry | undefined {
    // The most recently used first: the others grow old and are closed, so a quiet pool shrinks.
    let best: Entry | undefined
    const now = this.now()
    for (const entry of this.entries) {
      if (entry.state !== "idle") continue
      const reason = entry.unfit(this.limits, now)
      if (reason !== undefined) this.reactions.discard(entry, reason)
      else if (best === undefined || entry.heardAt >= best.heardAt) best = entry
    }
    if (best === undefined) return undefined
    if (now - best.heardAt >= staleAfter) {
      // A write must not be the first to find out: nobody could say what became of it. A read can be sent again.
      if (lane === "exclusive") {
        if (this.count("probing") < Math.max(1, waiting)) this.reactions.probe(best, "before")
        return undefined
      }
      best.state = lane
      this.reactions.probe(best, "ahead")
      return best
    }
    best.state = lane
    return best
  }

  private isStalled(entry: Entry | undefined): boolean {
    return entry !== undefined && entry.depth > 0 && this.now() - entry.progressAt > stalledAfter
  }

  private takeShared(opening: number): Entry | undefined {
    const { maxDepth, poolMaxUses, sharedDepth, sharedMax } = this.limits
    // As many as finish in `queueTarget`.
    const limit = Math.max(1, Math.min(sharedDepth, Math.floor(queueTarget / this.serviceMs)))
    let fullest: Entry | undefined
    let emptiest: Entry | undefined
    for (const entry of this.entries) {
      if (entry.state !== "shared" || entry.isDraining || entry.session.isLost) continue
      if (entry.uses >= poolMaxUses || entry.isRetired) {
        entry.isDraining = true
        continue
      }
      if (emptiest === undefined || entry.depth < emptiest.depth) emptiest = entry
      // The fullest that has room: statements that leave together cost one write, spread out they cost one each.
      if (entry.depth < limit && (fullest === undefined || entry.depth > fullest.depth) && !this.isStalled(entry)) {
        fullest = entry
      }
    }
    if (fullest !== undefined) return fullest
    if (this.count("shared") < sharedMax) {
      const idle = this.takeIdle("shared")
      if (idle !== undefined) return idle
      const coming = opening === 0 ? this.reactions.open() : opening
      // Behind a stalled statement a read waits longer than for the connection that is being opened.
      if (coming > 0 && this.isStalled(emptiest)) return undefined
    }
    return emptiest !== undefined && emptiest.depth < maxDepth ? emptiest : undefined
  }

  private takeExclusive(opening: number, waiting: number): Entry | undefined {
    const idle = this.takeIdle("exclusive", waiting)
    if (
      idle !== undefined || this.entries.size + opening < this.limits.max || this.count("exclusive") > 0 ||
      this.count("probing") > 0
    ) return idle
    // Reads hold every connection and would never leave one idle: let one run dry.
    let quietest: Entry | undefined
    for (const entry of this.entries) {
      if (entry.isDraining) return undefined
      if (entry.state === "shared" && (quietest === undefined || entry.depth < quietest.depth)) quietest = entry
    }
    if (quietest !== undefined) quietest.isDraining = true
    return undefined
  }

  lend(entry: Entry): void {
    entry.uses++
    if (entry.state === "shared" && entry.depth++ === 0) entry.progressAt = this.now()
  }

  /** A use of `entry` is over. Whether it was the last one. */
  giveBack(entry: Entry): boolean {
    entry.holder = undefined
    if (entry.depth > 0) {
      entry.depth--
      const at = this.now()
      this.serviceMs += (at - entry.progressAt - this.serviceMs) * serviceWeight
      entry.progressAt = at
    }
    return entry.depth === 0
  }

  /** Nobody uses `entry` any more, and somebody may. */
  rest(entry: Entry): void {
    entry.rest(this.now())
  }
}
