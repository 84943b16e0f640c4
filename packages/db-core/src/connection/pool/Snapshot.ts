/**
 * What the pool counts, in pgx's words.
 */
import type { CloseReason } from "./Entry.ts"

/**
 * Bounds of the wait histogram, in milliseconds; the last bucket has none. Source: OpenTelemetry semantic conventions,
 * `db.client.connection.wait_time`, whose boundaries these are.
 */
export const waitBounds = [1, 5, 10, 50, 100, 500, 1000, 5000, 10_000] as const

export interface Waits {
  /** Upper bounds, in milliseconds. */
  readonly bounds: ReadonlyArray<number>
  /** Acquisitions per bucket; one more than `bounds`. */
  readonly counts: ReadonlyArray<number>
  readonly sumMs: number
}

/** Counters of the pool at one moment. */
export interface PoolSnapshot {
  readonly max: number
  /** Connections at the server, those being closed included. */
  readonly total: number
  readonly opening: number
  readonly idle: number
  /** Being asked whether they still answer. */
  readonly probing: number
  /** Connections lent to one caller alone. */
  readonly acquired: number
  /** Connections lent to the shared lane. */
  readonly shared: number
  /** Statements in flight on the shared lane. */
  readonly sharedStatements: number
  readonly waiting: number
  /** How long the first of those who wait has waited, in milliseconds; 0 when nobody waits. */
  readonly longestWaitMs: number
  /** How long the oldest of those lent alone is held, in milliseconds; 0 when there is none. */
  readonly longestHeldMs: number
  /** Who holds it: span, functions and fibre. */
  readonly longestHolder: string | undefined
  /** Of the circuit breaker around connects. `open`: none is attempted. */
  readonly circuit: "closed" | "open" | "half-open"
  /** Since start, as everything below. */
  readonly created: number
  readonly closed: Readonly<Record<CloseReason, number>>
  readonly connectFailures: number
  /** Reason and text of the last one, without values. */
  readonly lastConnectError: string | undefined
  readonly acquireCount: number
  /** Acquisitions that had to wait. */
  readonly emptyAcquireCount: number
  readonly timeouts: number
  /** Leases held longer than `DbConfig.poolLeakAfter`. */
  readonly leaks: number
  /** How long acquisitions waited, including those that were given up. */
  readonly waits: Waits
}

export class Counters {
  created = 0
  connectFailures = 0
  lastConnectError: string | undefined = undefined
  acquireCount = 0
  emptyAcquireCount = 0
  timeouts = 0
  leaks = 0
  private waitSum = 0
  private readonly waitCounts: Array<number> = Array.from({ length: waitBounds.length + 1 }, () => 0)
  readonly closed: Record<CloseReason, number> = {
    idle: 0,
    lifetime: 0,
    uses: 0,
    dirty: 0,
    interrupted: 0,
    lost: 0,
    dead: 0,
    failover: 0,
    shutdown: 0
  }

  waited(ms: number): void {
    this.waitSum += ms
    const at = waitBounds.findIndex((bound) => ms <= bound)
    this.waitCounts[at < 0 ? waitBounds.length : at]!++
  }

  get waits(): Waits {
    // Who did not wait is not counted one by one: it would be the dearest part of a shared read's way here.
    const [first = 0, ...rest] = this.waitCounts
    const waited = rest.reduce((sum, n) => sum + n, first)
    return {
      bounds: waitBounds,
      counts: [first + Math.max(0, this.acquireCount + this.timeouts - waited), ...rest],
      sumMs: this.waitSum
    }
  }
}
