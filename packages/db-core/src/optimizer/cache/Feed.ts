/**
 * Keeps the tables' generations up with the database, and says until when they can be relied on.
 *
 * Each poll that is answered vouches for what was known `staleness` after it was sent: whoever commits later than that
 * is not promised yet. The time is this process's own, so no two clocks are compared. When polls fail nothing has to be
 * done: the lease runs out by itself. The log stays, so the next answer tells what was missed; only a new epoch, or
 * more time away than the log goes back, makes everything old.
 *
 * Nothing is asked while nobody reads, so that an idle compute may suspend.
 */
import type { Clock } from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import type { ChangePoll } from "../../catalog/changePoll.ts"
import type { DbError } from "../../errors/DbError.ts"
import { parse, sees, type Snapshot } from "./Snapshot.ts"
import type { Tables } from "./Tables.ts"

/** Where polls are answered. */
export interface FeedSource {
  /** Makes sure that it can be asked; the time for that is not the lease's. */
  readonly ready: Effect.Effect<void, DbError>
  /** Fails within a bounded time, and is of no use until `ready` then. */
  readonly ask: (
    since: Snapshot | undefined,
    guarded: boolean
  ) => Effect.Effect<ChangePoll, DbError>
  /** The log's row was lost: begins another epoch. */
  readonly beginEpoch: Effect.Effect<void, DbError>
}

export interface FeedSettings {
  /** How old an answer may be. Milliseconds. */
  readonly staleness: number
  readonly pollInterval: number
  readonly idleAfter: number
}

/** `asleep`: nobody reads. `away`: the last poll failed. `absent`: there is no change log. */
export type FeedState = "asleep" | "live" | "away" | "absent"

/** What the feed tells the cache. */
export interface FeedListener {
  /** Every answer is old. */
  readonly flushed: (why: "epoch" | "gap" | "definitions" | "lineage") => void
  /** A poll is about to be sent; what is returned is called with its answer when that is counted. */
  readonly asking?: () => (answer: ChangePoll) => void
}

/** Readers wait this long for a poll, then they ask the database themselves. Milliseconds. */
const patience = 50

/** The guard is asked this often. Nanoseconds. */
const guardEvery = 1_000_000_000n

/** Where there is no change log it is looked for again. Milliseconds. */
const absentRetry = 30_000

/** Polls that fail are tried again after this at the latest. Milliseconds. */
const awayRetryMax = 1000

const notInstalled: ReadonlySet<string> = new Set(["42P01", "3F000", "42501"])

export class Feed {
  private readonly tables: Tables
  private readonly source: FeedSource
  private readonly settings: FeedSettings
  private readonly listener: FeedListener
  private readonly clock: Clock
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>

  state: FeedState = "asleep"
  polls = 0
  failures = 0
  /** Of the last poll that was answered. Milliseconds. */
  roundTripMs = 0
  private snapshot: Snapshot | undefined
  private epoch: string | undefined
  private tick = 0n
  private definitions: string | undefined
  private lineage: string | undefined
  private guardedAt: bigint | undefined
  private leaseMonotonic = 0n
  private leaseWall = 0
  private lastRead = 0n
  private readonly awake = Latch.makeUnsafe(false)
  private running: Deferred.Deferred<boolean> | undefined
  private queued: Deferred.Deferred<boolean> | undefined

  constructor(
    tables: Tables,
    source: FeedSource,
    settings: FeedSettings,
    listener: FeedListener,
    clock: Clock,
    fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  ) {
    this.tables = tables
    this.source = source
    this.settings = settings
    this.listener = listener
    this.clock = clock
    this.fork = fork
  }

  /** Somebody reads: keeps it awake. */
  touch(): void {
    this.lastRead = this.clock.monotonicTimeNanosUnsafe()
    if (this.state === "asleep") this.wake()
  }

  /** Somebody reads, too. Whether answers can be relied on now; `wall` is the time for those who have looked already. */
  isWithinLease(wall = this.clock.currentTimeMillisUnsafe()): boolean {
    const now = this.clock.monotonicTimeNanosUnsafe()
    this.lastRead = now
    if (this.state === "asleep") this.wake()
    // The monotonic clock may stand still while the machine sleeps, and the other one may be set back.
    return now < this.leaseMonotonic && wall < this.leaseWall
  }

  /** How long it still is so; 0 when it is not. Milliseconds. */
  get leaseMs(): number {
    const left = this.leaseMonotonic - this.clock.monotonicTimeNanosUnsafe()
    return left > 0n && this.clock.currentTimeMillisUnsafe() < this.leaseWall ? Number(left / 1_000_000n) : 0
  }

  /** There is a snapshot that fills can be counted from. */
  get hasBase(): boolean {
    return this.snapshot !== undefined
  }

  /** Whether the last poll saw what `xid` did. */
  covers(xid: bigint): boolean {
    return this.snapshot !== undefined && sees(this.snapshot, xid)
  }

  /** What the last poll saw, for later. */
  vision(): (xid: bigint) => boolean {
    const { snapshot } = this
    return (xid) => snapshot !== undefined && sees(snapshot, xid)
  }

  private wake(): void {
    this.state = "live"
    this.awake.openUnsafe()
  }

  /** Whether a poll that was sent after this call was answered. Within 50 ms, or at once while polls fail. */
  readonly validate: Effect.Effect<boolean> = Effect.suspend(() => {
    if (this.state === "away" || this.state === "absent") return Effect.succeed(false)
    return Deferred.await(this.next())
  })

  private next(): Deferred.Deferred<boolean> {
    if (this.running === undefined) return this.start(Deferred.makeUnsafe<boolean>())
    this.queued ??= Deferred.makeUnsafe<boolean>()
    return this.queued
  }

  private start(waiters: Deferred.Deferred<boolean>): Deferred.Deferred<boolean> {
    this.running = waiters
    const tell = (answered: boolean) => Deferred.doneUnsafe(waiters, Exit.succeed(answered))
    const impatient = this.fork(Effect.delay(
      Effect.sync(() => {
        // Until it is answered after all nobody else waits for it.
        this.state = "away"
        tell(false)
        if (this.queued !== undefined) Deferred.doneUnsafe(this.queued, Exit.succeed(false))
        this.queued = undefined
      }),
      patience
    ))
    let isAnswered = false
    const polling = this.fork(Effect.matchEffect(this.poll, {
      onSuccess: (answered) => Effect.sync(() => void (isAnswered = answered)),
      onFailure: (error) => Effect.sync(() => this.failed(error))
    }))
    polling.addObserver(() => {
      impatient.interruptUnsafe()
      tell(isAnswered)
      this.running = undefined
      const queued = this.queued
      this.queued = undefined
      // At once, so that those who wait are not overtaken for ever by those who come.
      if (queued !== undefined) this.start(queued)
    })
    return waiters
  }

  private failed(error: DbError): void {
    this.failures++
    const { sqlState } = error.reason
    this.state = sqlState !== undefined && notInstalled.has(sqlState) ? "absent" : "away"
  }

  /** Whether it was answered with something to rely on. */
  private readonly poll: Effect.Effect<boolean, DbError> = Effect.gen({ self: this }, function*() {
    yield* this.source.ready
    const sentAt = this.clock.monotonicTimeNanosUnsafe()
    const sentAtWall = this.clock.currentTimeMillisUnsafe()
    const guarded = this.guardedAt === undefined || sentAt - this.guardedAt >= guardEvery
    const told = this.listener.asking?.()
    const answer = yield* this.source.ask(this.snapshot, guarded)
    if (answer.epoch === null) {
      yield* this.source.beginEpoch
      return this.lost()
    }
    if (answer.standby) return this.lost()
    this.apply(answer)
    told?.(answer)
    if (guarded) this.guardedAt = sentAt
    const { staleness } = this.settings
    this.leaseMonotonic = sentAt + BigInt(staleness) * 1_000_000n
    this.leaseWall = sentAtWall + staleness
    this.polls++
    this.roundTripMs = Number(this.clock.monotonicTimeNanosUnsafe() - sentAt) / 1e6
    this.state = "live"
    return true
  })

  /** It answered, and cannot vouch for anything. */
  private lost(): boolean {
    this.failures++
    this.state = "away"
    return false
  }

  private apply(answer: ChangePoll): void {
    const snapshot = parse(answer.snapshot)
    const tick = answer.tick ?? 0n
    const before = this.snapshot
    const changed = answer.changed === null ? [] : answer.changed.split(",").map((part) => Number.parseInt(part, 10))
    if (answer.epoch !== this.epoch || (before !== undefined && snapshot.xmax < before.xmax)) {
      this.flush("epoch")
    } else if (answer.oldestTick !== null && this.tick < answer.oldestTick - 1n) this.flush("gap")
    else for (const oid of changed) if (oid !== 0) this.tables.changed(oid)
    if (
      changed.includes(0) || (answer.definitions !== undefined && (answer.definitions ?? "") !== this.definitions)
    ) this.flush("definitions")
    if (answer.lineage !== undefined && answer.lineage !== this.lineage) {
      if (this.lineage !== undefined) this.flush("lineage")
      this.lineage = answer.lineage
    }
    if (answer.definitions !== undefined) this.definitions = answer.definitions ?? ""
    this.epoch = answer.epoch ?? undefined
    this.tick = tick
    this.snapshot = snapshot
  }

  private flush(why: Parameters<FeedListener["flushed"]>[0]): void {
    this.tables.generation++
    this.listener.flushed(why)
  }

  /** The connection was lost: what it would have said of definitions has to be asked again. */
  reconnected(): void {
    this.guardedAt = undefined
  }

  /** Polls while somebody reads. Runs for as long as the cache lives. */
  readonly loop: Effect.Effect<never> = Effect.gen({ self: this }, function*() {
    let failed = 0
    for (;;) {
      yield* this.awake.await
      const idle = this.clock.monotonicTimeNanosUnsafe() - this.lastRead
      if (idle > BigInt(this.settings.idleAfter) * 1_000_000n) {
        this.state = "asleep"
        this.awake.closeUnsafe()
        continue
      }
      yield* Deferred.await(this.next())
      // What `next` said may have been impatience.
      const isLive = this.state === "live"
      failed = isLive ? 0 : failed + 1
      const { pollInterval } = this.settings
      const wait = this.state === "absent"
        ? absentRetry
        : Math.min(pollInterval * 2 ** Math.min(failed, 10), Math.max(awayRetryMax, pollInterval))
      // Processes that were started together do not stay in step.
      yield* Effect.sleep((isLive ? pollInterval : wait) * (0.8 + 0.2 * (yield* Random.next)))
    }
  })
}
