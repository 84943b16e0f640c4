/**
 * Answers that processes share through Redis. It only fills the first level: what is found there is held against what
 * this process knows, then put into the first level as if it had been asked for now, and served by the first level's
 * own rules. `docs/cache.md` says why that is right.
 */
import type { Clock } from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import type { ChangePoll } from "../../../catalog/changePoll.ts"
import type { Found, Statements } from "../../../driver/Statements.ts"
import type { DbError } from "../../../errors/DbError.ts"
import type { Table, Tables } from "../Tables.ts"
import { open as openEnvelope, rowsOf, runtime, seal, version } from "./Envelope.ts"
import { History } from "./History.ts"
import { type L2Report, l2Report, Tally } from "./L2Report.ts"
import { open } from "./Opening.ts"
import type { Proof, Rejection } from "./Proof.ts"
import { Recent } from "./Recent.ts"
import { type Kept, make as makeStore, type Store } from "./RedisStore.ts"

/** A query that the first level has no answer to. */
export interface Wanted {
  readonly sql: string
  /** Whatever else tells its answer from another's: how rows are given, declarations, scope, parameters. */
  readonly rest: string
  readonly tables: ReadonlyArray<Table>
  readonly tags: ReadonlyArray<Table>
  /** Milliseconds. */
  readonly maxAge: number
  /** The same object for every call of the text. */
  readonly text: object
}

/** The first level's side of what is found. */
export interface Adopter {
  /** Whether it would be served: definitions are the same, and no write to its tables is under way here. */
  readonly isWanted: () => boolean
  /** Ages in milliseconds. */
  readonly adopt: (found: Found, ageMs: number, tookMs: number) => void
}

export interface Wiring {
  readonly tables: Tables
  readonly statements: Pick<Statements, "quiet">
  readonly within: <A>(effect: Effect.Effect<A, DbError>) => Effect.Effect<A, DbError>
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly clock: Clock
  readonly maxEntryBytes: () => number
}

/** For a query that takes less it is not worth waiting for another process. Milliseconds. */
const worthWaiting = 5

/** Nobody waits longer for another process, whatever the query takes. Milliseconds. */
const maxWait = 2000

/** The same for a query of which nobody knows what it takes. Milliseconds. */
const unknownWait = 25

/** A claim lasts so many times what the query took last, in case that who holds it is gone. */
const claimFactor = 2

/** Puts under way, at most: others are dropped. */
const maxPuts = 64

/** Claims of fills that failed end by themselves; of more than this none is given up early. */
const maxClaims = 1000

/** After the opening failed it is tried again. Milliseconds. */
const openAgainAfter = 1000

const digestOf = ({ rest, sql, tables }: Wanted): string => {
  const oids = tables.map(({ oid }) => oid).toSorted((a, b) => a - b)
  return createHash("sha256").update(`${oids.join(",")};${sql.length}:${sql}${rest}`).digest("base64url")
}

export class Level2 {
  private readonly wiring: Wiring
  private readonly store: Store
  private readonly history: History
  private readonly recent = new Recent()
  private readonly tally = new Tally()
  /** Questions under way: who wants the same shares them, and decides for itself. */
  private readonly seeking = new Map<string, Deferred.Deferred<boolean>>()
  private readonly claims = new Set<string>()
  private readonly took = new WeakMap<object, number>()
  private prefix: string | undefined
  private openedFor = 0
  private isOpening = false
  private openAgainAt = 0
  private puts = 0

  constructor(wiring: Wiring, store: Store) {
    this.wiring = wiring
    this.store = store
    this.history = new History(wiring.tables)
  }

  get report(): Effect.Effect<L2Report> {
    return l2Report(this.tally, this.store)
  }

  /** For the feed: everything that was known says nothing any more. */
  broke(): void {
    this.history.broke()
  }

  /** For the feed: a poll is about to be sent. */
  asking(): (answer: ChangePoll) => void {
    const mark = this.history.asked()
    const poll = this.recent.asked()
    return (answer) => {
      this.history.told(answer, mark)
      this.recent.told(poll)
      this.isOpen()
    }
  }

  private isOpen(): boolean {
    const { clock, fork, statements, within } = this.wiring
    const { version: wanted } = this.history
    if (this.prefix !== undefined && this.openedFor === wanted) return true
    if (this.isOpening || wanted === 0 || clock.currentTimeMillisUnsafe() < this.openAgainAt) return false
    this.isOpening = true
    fork(Effect.match(within(open(statements)), {
      onFailure: () => {
        this.isOpening = false
        this.openAgainAt = clock.currentTimeMillisUnsafe() + openAgainAfter
      },
      onSuccess: ({ identity, log }) => {
        this.isOpening = false
        this.openedFor = wanted
        const whose = createHash("sha256").update(identity).digest("base64url").slice(0, 22)
        this.prefix = `ems:${version}:${runtime}:${whose}:`
        this.history.extend(log, wanted)
      }
    }))
    return false
  }

  /** What a query that is sent now will have seen; `undefined` when that is less than this process must show. */
  proof(tables: ReadonlyArray<Table>): Proof | undefined {
    return this.history.isSettled(tables, []) ? this.history.proof : undefined
  }

  /**
   * Brings an answer into the first level if there is a good one, and says whether it did. `undefined` when there is
   * nothing to wait for. Never fails; a Redis that does not answer costs `budget`.
   */
  seek(wanted: Wanted, adopter: Adopter): Effect.Effect<boolean> | undefined {
    if (!this.isOpen()) return this.skip("opening")
    if (!this.history.isSettled(wanted.tables, wanted.tags)) return this.skip("unsettled")
    const digest = digestOf(wanted)
    if (this.recent.has(digest)) return this.skip("recent")
    const under = this.seeking.get(digest)
    if (under !== undefined) return Deferred.await(under)
    const seeking = Deferred.makeUnsafe<boolean>()
    this.seeking.set(digest, seeking)
    this.wiring.fork(Effect.map(Effect.exit(this.search(wanted, digest, adopter)), (exit) => {
      this.seeking.delete(digest)
      Deferred.doneUnsafe(seeking, Exit.succeed(Exit.isSuccess(exit) && exit.value))
    }))
    return Deferred.await(seeking)
  }

  private skip(why: Parameters<Tally["skip"]>[0]): undefined {
    this.tally.skip(why)
    return undefined
  }

  private search(wanted: Wanted, digest: string, adopter: Adopter): Effect.Effect<boolean> {
    const { clock } = this.wiring
    const key = `${this.prefix}${digest}`
    const look = Effect.map(
      this.store.get(key),
      (kept) => kept !== undefined && this.consider(kept, wanted, digest, adopter)
    )
    const searched = Effect.gen({ self: this }, function*() {
      if (yield* look) return true
      this.tally.misses++
      const expected = this.took.get(wanted.text)
      if (expected !== undefined && expected < worthWaiting) return false
      const wait = Math.min(expected ?? unknownWait, maxWait)
      if (yield* this.store.claim(`${key}:f`, wait * claimFactor)) {
        if (this.claims.size < maxClaims) this.claims.add(digest)
        return false
      }
      this.tally.waits++
      const end = clock.currentTimeMillisUnsafe() + wait
      while (clock.currentTimeMillisUnsafe() < end) {
        yield* Effect.sleep(Math.max(2, wait / 10))
        if (yield* look) return true
      }
      return false
    })
    return Effect.catch(searched, (error) =>
      Effect.sync(() => {
        this.tally.failed(error)
        return false
      }))
  }

  /** Whether it was adopted. Decides and adopts at one moment, so that nothing comes in between. */
  private consider(
    kept: Kept,
    wanted: Wanted,
    digest: string,
    { adopt, isWanted }: Adopter
  ): boolean {
    this.tally.bytesRead += kept.bytes.length
    const refuse = (why: Rejection) => {
      this.tally.reject(why)
      return false
    }
    const envelope = openEnvelope(kept.bytes, digest)
    if (envelope === undefined) {
      // It may be the answer to another question: nothing that follows on that connection can be relied on.
      this.store.restart()
      return refuse("garbled")
    }
    const { head } = envelope
    this.took.set(wanted.text, head.tookMs)
    const { tables, tags } = wanted
    const why = this.history.judge(head, tables, tags)
    if (why !== undefined) return refuse(why)
    if (!isWanted() || !this.history.isSettled(tables, tags) || this.recent.has(digest)) return refuse("overtaken")
    // By Redis's own clock alone.
    const ageMs = Math.max(0, head.maxAge - kept.leftMs)
    if (ageMs >= wanted.maxAge) return refuse("expired")
    const found = rowsOf(envelope)
    if (found === undefined) return refuse("garbled")
    this.tally.hits++
    this.recent.note(digest)
    adopt(found, ageMs, head.tookMs)
    return true
  }

  /** The database answered. `proof` is of the moment when it was asked; without it the answer is not shared. */
  offer(wanted: Wanted, proof: Proof | undefined, found: Found, tookMs: number): void {
    const digest = digestOf(wanted)
    this.recent.note(digest)
    this.took.set(wanted.text, tookMs)
    const { prefix } = this
    const isClaimed = this.claims.delete(digest)
    if (proof === undefined || prefix === undefined || wanted.maxAge - tookMs < 1) return
    if (this.puts >= maxPuts) return void this.tally.dropped++
    this.puts++
    const put = Effect.suspend(() => {
      const { world, snapshot } = proof
      const facts = { world, snapshot, key: digest, tookMs, maxAge: wanted.maxAge }
      const sealed = seal(facts, found, this.wiring.maxEntryBytes())
      if (sealed === undefined) {
        this.tally.tooLarge++
        return Effect.void
      }
      const key = `${prefix}${digest}`
      return Effect.map(
        this.store.put(key, sealed, wanted.maxAge - tookMs, isClaimed ? `${key}:f` : undefined),
        () => {
          this.tally.puts++
          this.tally.bytesWritten += sealed.length
        }
      )
    })
    this.wiring.fork(Effect.yieldNow.pipe(
      // The reader is answered first.
      Effect.andThen(put),
      Effect.catch((error) => Effect.sync(() => this.tally.failed(error))),
      Effect.ensuring(Effect.sync(() => void this.puts--))
    ))
  }
}

/** Connects in the background. */
export const make = (url: Redacted.Redacted, wiring: Wiring): Effect.Effect<Level2, never, Scope.Scope> =>
  Effect.map(makeStore(url), (store) => new Level2(wiring, store))
