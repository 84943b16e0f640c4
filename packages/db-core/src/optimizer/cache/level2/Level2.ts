/**
 * Answers that processes share through Redis. It only fills the first level: what is found there is held against what
 * this process knows, then put into the first level as if it had been asked for now, and served by the first level's
 * own rules. `docs/cache.md` says why that is right.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { ChangePoll } from "../../../catalog/changePoll.ts"
import type { Found } from "../../../driver/Statements.ts"
import type { Table, Tables } from "../Tables.ts"
import { open, rowsOf, seal } from "./Envelope.ts"
import { History } from "./History.ts"
import { type L2Report, l2Report, Tally } from "./L2Report.ts"
import { Opener, type OpenerWiring } from "./Opening.ts"
import type { Proof, Rejection } from "./Proof.ts"
import { Recent } from "./Recent.ts"
import { type Kept, make as makeStore, type Store } from "./RedisStore.ts"
import { type Adopter, digestOf, type Wanted } from "./Wanted.ts"

export interface Wiring extends OpenerWiring {
  readonly tables: Tables
  readonly maxEntryBytes: () => number
}

/** Others wait for what the query took last, and half of that again: it is put a little later than it is answered. */
const waitFactor = 1.5

/** For a query that takes less it is not worth waiting for another process. Milliseconds. */
const worthWaiting = 5

/** Nobody waits longer for another process, whatever the query takes. Milliseconds. */
const maxWait = 2000

/** The same for a query of which nobody knows what it takes. Milliseconds. */
const unknownWait = 25

/** A claim lasts so many times as long as others wait, in case that who holds it is gone. */
const claimFactor = 2

/** Puts under way, at most: others are dropped. */
const maxPuts = 64

/** Claims of fills that failed end by themselves; of more than this none is given up early. */
const maxClaims = 1000

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
  private readonly opener: Opener
  private puts = 0

  constructor(wiring: Wiring, store: Store) {
    this.wiring = wiring
    this.store = store
    this.history = new History(wiring.tables)
    this.opener = new Opener(wiring, this.history)
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
      void this.opener.prefix
    }
  }

  /**
   * What a query that is sent now will have seen; `undefined` while no poll shows what this process wrote: others would
   * know better, and the answer would be of no use to them.
   */
  proof(tables: ReadonlyArray<Table>): Proof | undefined {
    return this.history.isSettled(tables, []) ? this.history.proof : undefined
  }

  /**
   * Brings an answer into the first level if there is a good one, and says whether it did. `undefined` when there is
   * nothing to wait for. Never fails; a Redis that does not answer costs `budget`.
   */
  seek(wanted: Wanted, adopter: Adopter): Effect.Effect<boolean> | undefined {
    const { prefix } = this.opener
    if (prefix === undefined) return this.skip("opening")
    if (!this.history.isSettled(wanted.tables, wanted.tags)) return this.skip("unsettled")
    const digest = digestOf(wanted)
    if (this.recent.has(digest)) return this.skip("recent")
    const under = this.seeking.get(digest)
    if (under !== undefined) return Deferred.await(under)
    const seeking = Deferred.makeUnsafe<boolean>()
    this.seeking.set(digest, seeking)
    this.wiring.fork(Effect.map(Effect.exit(this.search(wanted, `${prefix}${digest}`, digest, adopter)), (exit) => {
      this.seeking.delete(digest)
      Deferred.doneUnsafe(seeking, Exit.succeed(Exit.isSuccess(exit) && exit.value))
    }))
    return Deferred.await(seeking)
  }

  private skip(why: Parameters<Tally["skip"]>[0]): undefined {
    this.tally.skip(why)
    return undefined
  }

  private search(wanted: Wanted, key: string, digest: string, adopter: Adopter): Effect.Effect<boolean> {
    const { clock } = this.wiring
    const look = Effect.map(
      this.store.get(key),
      (kept) => kept !== undefined && this.consider(kept, wanted, digest, adopter)
    )
    const searched = Effect.gen({ self: this }, function*() {
      if (yield* look) return true
      this.tally.misses++
      const expected = this.took.get(wanted.text)
      if (expected !== undefined && expected < worthWaiting) return false
      const wait = Math.min(expected === undefined ? unknownWait : expected * waitFactor, maxWait)
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
    const envelope = open(kept.bytes, digest)
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

  /** The database answered. `proof` is of the moment when it was asked; without one the answer is not shared. */
  offer(wanted: Wanted, proof: Proof | undefined, found: Found, tookMs: number): void {
    const digest = digestOf(wanted)
    this.recent.note(digest)
    this.took.set(wanted.text, tookMs)
    const { prefix } = this.opener
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
