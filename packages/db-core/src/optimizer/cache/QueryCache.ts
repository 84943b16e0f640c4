/**
 * Answers reads from memory where that is right, and says why not where it is not. What is promised, and why it holds:
 * `docs/cache.md`.
 */
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Described } from "../../driver/DrizzleSession.ts"
import type { Found, Statements } from "../../driver/Statements.ts"
import type { DbError } from "../../errors/DbError.ts"
import type { Bypass } from "./Analysis.ts"
import { entryOf, mapped, present } from "./Answer.ts"
import type { Call } from "./Call.ts"
import { Counters } from "./Counters.ts"
import type { Entries, Entry } from "./Entry.ts"
import type { Feed } from "./Feed.ts"
import { Flights } from "./Flights.ts"
import type { Level2 } from "./level2/Level2.ts"
import type { Proof } from "./level2/Proof.ts"
import type { Wanted } from "./level2/Wanted.ts"
import { isTimeLiteral } from "./Names.ts"
import type { Plan } from "./Plan.ts"
import type { Registry, Statement } from "./Registry.ts"
import type { Table, Tables } from "./Tables.ts"

/** What was true when a query for the cache was about to be sent. */
interface Begun {
  readonly token: number
  /** A write of ours to its tables was under way: it may be seen or not. */
  readonly isFenced: boolean
  readonly hasBase: boolean
  readonly covered: (xid: bigint) => boolean
  /** What its answer says to other processes. */
  readonly proof: Proof | undefined
  /** Milliseconds since the epoch, and nanoseconds of the monotonic clock. */
  readonly at: number
  readonly startedAt: bigint
}

/** One read: the query with the parameters and options of this call. */
interface Read {
  readonly described: Described
  readonly params: ReadonlyArray<unknown>
  readonly call: Call
  readonly statement: Statement
  readonly key: string
}

export interface Wiring {
  readonly statements: Statements
  readonly tables: Tables
  readonly registry: Registry
  readonly entries: Entries
  /** None: nothing but the time bounds an answer. */
  readonly feed: Feed | undefined
  /** Answers of other processes. */
  readonly level2?: Level2 | undefined
  readonly clock: Clock
  /** How old an answer may be. Milliseconds. */
  readonly staleness: number
  /** Runs a query in the context of the fibre that needs it first, and goes on when that one is interrupted. */
  readonly detach: <A>(
    leader: Fiber.Fiber<unknown, unknown>,
    effect: Effect.Effect<A, DbError>
  ) => Fiber.Fiber<A, DbError>
  readonly within: <A>(effect: Effect.Effect<A, DbError>) => Effect.Effect<A, DbError>
}

/** There is no answer that could be given. */
export const missed = Symbol("missed")

export class QueryCache {
  readonly counters = new Counters()
  isEnabled = true
  private readonly flights = new Flights<Entry, Begun>()
  private readonly wiring: Wiring

  constructor(wiring: Wiring) {
    this.wiring = wiring
  }

  /** A good answer, if there is one without asking anybody, or `missed`. Not for use inside a transaction. */
  tryHit(plan: Plan, params: ReadonlyArray<unknown>): unknown {
    const entry = this.hit(plan, params)
    if (entry === undefined) return missed
    return present(entry, plan.described)
  }

  /** A good entry, counted as a hit. */
  private hit(plan: Plan, params: ReadonlyArray<unknown>): Entry | undefined {
    const { call } = plan
    const { clock, feed, registry, tables } = this.wiring
    if (!this.isEnabled || call.consistency === "strong") return undefined
    const statement = plan.resolve(registry)
    if (statement === undefined || statement.bypass !== undefined) return undefined
    const entry = this.find(plan, params)
    if (entry === undefined || !tables.isCurrent(statement.tables, entry.tags, entry.token)) return undefined
    const now = clock.currentTimeMillisUnsafe()
    if (now - entry.filledAt >= call.maxAge) return undefined
    if (feed === undefined ? call.ttl === undefined : !feed.isWithinLease(now)) return undefined
    if (call.after !== undefined && feed?.covers(call.after) !== true) return undefined
    this.counters.hits++
    statement.usage.hits++
    statement.usage.counter.hits++
    this.saved(statement, entry)
    return entry
  }

  private find(plan: Plan, params: ReadonlyArray<unknown>): Entry | undefined {
    const { entries } = this.wiring
    const known = plan.front?.get(params)
    if (known !== undefined) {
      entries.touch(known)
      return known
    }
    const key = plan.keyOf(params)
    const entry = key === undefined ? undefined : entries.get(key)
    if (entry !== undefined) plan.front?.put(params, entry)
    return entry
  }

  /** The answer, from memory or from the database. `fiber` is the caller's. */
  read(
    fiber: Fiber.Fiber<unknown, unknown>,
    plan: Plan,
    params: ReadonlyArray<unknown>
  ): Effect.Effect<unknown, DbError> {
    const { call, described } = plan
    if (this.wiring.statements.current(fiber) !== undefined) {
      return this.direct(described, params, call, "transaction")
    }
    const entry = this.hit(plan, params)
    if (entry === undefined) return this.slowly(fiber, plan, params)
    return Effect.succeed(present(entry, described))
  }

  private slowly(
    fiber: Fiber.Fiber<unknown, unknown>,
    plan: Plan,
    params: ReadonlyArray<unknown>
  ): Effect.Effect<unknown, DbError> {
    const { call, described } = plan
    const { feed, registry, within } = this.wiring
    if (!this.isEnabled) return this.direct(described, params, call, "disabled")
    if (feed === undefined) {
      if (call.ttl === undefined) return this.direct(described, params, call, "ttl_required")
      if (call.consistency === "strong" || call.after !== undefined) {
        return this.direct(described, params, call, "consistency")
      }
    } else if (feed.state === "absent") {
      // So that it is looked for again.
      feed.touch()
      return this.direct(described, params, call, "feed")
    }
    const known = plan.resolve(registry)
    if (known !== undefined && (feed === undefined || feed.hasBase)) {
      return this.decide(fiber, plan, params, known)
    }
    feed?.touch()
    // Definitions are watched from the first poll on: what is learned before it would have to be learned again.
    const watched = feed === undefined || feed.hasBase ? Effect.void : Effect.asVoid(feed.validate)
    return within(
      Effect.andThen(
        watched,
        Effect.matchEffect(registry.learn(described.sql, call.declared), {
          // The database will say itself what is wrong with it.
          onFailure: () => this.direct(described, params, call, "undecided"),
          onSuccess: (statement) => this.decide(fiber, plan, params, statement)
        })
      )
    )
  }

  private decide(
    fiber: Fiber.Fiber<unknown, unknown>,
    plan: Plan,
    params: ReadonlyArray<unknown>,
    statement: Statement
  ): Effect.Effect<unknown, DbError> {
    const { call, described } = plan
    if (statement.bypass !== undefined) {
      statement.usage.bypassed++
      statement.usage.counter.bypasses++
      return this.direct(described, params, call, statement.bypass)
    }
    const key = plan.keyFor(statement, params)
    if (key === undefined || params.some(isTimeLiteral)) return this.direct(described, params, call, "parameters")
    const read: Read = { described, params, call, statement, key }
    const { feed, level2 } = this.wiring
    if (feed === undefined) return this.take(fiber, read)
    const sought = level2 === undefined || feed.state === "away" || this.good(read) !== undefined
      ? undefined
      : this.seek(level2, read)
    if (sought === undefined) return this.judge(fiber, read, feed, false)
    return this.wiring.within(Effect.flatMap(sought, (isFound) => this.judge(fiber, read, feed, isFound)))
  }

  /** Looks for another process's answer, and puts it into memory as if it had been asked for now. */
  private seek(level2: Level2, read: Read): Effect.Effect<boolean> | undefined {
    const { call, described, key, statement } = read
    const { clock, entries, registry, tables } = this.wiring
    return level2.seek(this.wanted(read), {
      isWanted: () => statement.version === registry.version && !tables.isFenced(statement.tables),
      adopt: (found, ageMs, tookMs) => {
        const token = this.tokenOf(statement.tables, call.tags)
        const entry = this.entryOf(read, found, token, clock.currentTimeMillisUnsafe() - ageMs, tookMs)
        entries.set(key, mapped(entry, described))
      }
    })
  }

  private wanted({ call, described, key, statement }: Read): Wanted {
    return {
      sql: described.sql,
      // Everything but the statement's number, which is this process's own.
      rest: `${key.slice(statement.prefix.length)}\0${JSON.stringify(call.declared)}`,
      tables: statement.tables,
      tags: call.tags,
      maxAge: call.maxAge,
      text: statement.usage
    }
  }

  /** `isFound`: there is a good answer since a moment ago. */
  private judge(
    fiber: Fiber.Fiber<unknown, unknown>,
    read: Read,
    feed: Feed,
    isFound: boolean
  ): Effect.Effect<unknown, DbError> {
    const { call, described, statement } = read
    const isLeased = feed.isWithinLease()
    const found = isFound ? this.good(read) : undefined
    if (
      found !== undefined && isLeased && call.consistency !== "strong" &&
      (call.after === undefined || feed.covers(call.after))
    ) {
      this.counters.shared++
      statement.usage.shared++
      statement.usage.counter.hits++
      this.saved(statement, found)
      return Effect.sync(() => present(found, described))
    }
    const mustAsk = !feed.hasBase || this.good(read) !== undefined &&
        (call.consistency === "strong" || !isLeased || (call.after !== undefined && !feed.covers(call.after)))
    if (!mustAsk) return this.take(fiber, read)
    return Effect.flatMap(feed.validate, (isVouched) => {
      const entry = this.good(read)
      if (entry === undefined) return this.take(fiber, read)
      if (!isVouched) {
        this.counters.bypass("feed")
        statement.usage.bypassed++
        statement.usage.counter.bypasses++
        return this.take(fiber, read)
      }
      if (call.after !== undefined && !feed.covers(call.after)) return this.take(fiber, read)
      this.counters.revalidated++
      statement.usage.revalidated++
      statement.usage.counter.hits++
      this.saved(statement, entry)
      return Effect.succeed(present(entry, described))
    })
  }

  private saved(statement: Statement, { tookMs }: Entry): void {
    this.counters.savedMs += tookMs
    statement.usage.savedMs += tookMs
  }

  private good({ call, key, statement }: Read): Entry | undefined {
    const entry = this.wiring.entries.get(key)
    return entry !== undefined && this.isGood(entry, statement, call) ? entry : undefined
  }

  private isGood(entry: Entry, statement: Statement, call: Call): boolean {
    const { clock, registry, tables } = this.wiring
    return statement.version === registry.version &&
      tables.isCurrent(statement.tables, entry.tags, entry.token) &&
      clock.currentTimeMillisUnsafe() - entry.filledAt < call.maxAge
  }

  private tokenOf(tables: ReadonlyArray<Table>, tags: ReadonlyArray<Table>): number {
    let token = this.wiring.tables.token(tables)
    for (const tag of tags) token += tag.generation
    return token
  }

  /** Asks the database, together with others who need the same. */
  private take(fiber: Fiber.Fiber<unknown, unknown>, read: Read): Effect.Effect<unknown, DbError> {
    const { call, described, key, statement } = read
    const { clock, feed, registry, tables } = this.wiring
    // What its answer lacks of others' commits is younger than the flight itself, whatever the feed knows.
    const isYoung = ({ at, startedAt }: Begun): boolean =>
      clock.monotonicTimeNanosUnsafe() - startedAt < BigInt(this.wiring.staleness) * 1_000_000n &&
      clock.currentTimeMillisUnsafe() - at < this.wiring.staleness
    const mayJoin = (begun: Begun): boolean =>
      call.consistency !== "strong" && statement.version === registry.version &&
      begun.token === this.tokenOf(statement.tables, call.tags) && !begun.isFenced &&
      !tables.isFenced(statement.tables) &&
      (feed === undefined || isYoung(begun) || (begun.hasBase && feed.isWithinLease())) &&
      (call.after === undefined || begun.covered(call.after))
    const begin = (): Begun => ({
      token: this.tokenOf(statement.tables, call.tags),
      isFenced: tables.isFenced(statement.tables),
      hasBase: feed === undefined || feed.hasBase,
      covered: feed === undefined ? () => false : feed.vision(),
      proof: this.wiring.level2?.proof(statement.tables),
      at: clock.currentTimeMillisUnsafe(),
      startedAt: clock.monotonicTimeNanosUnsafe()
    })
    const joined = (): void => {
      this.counters.joined++
      statement.usage.joined++
    }
    const run = (begun: Begun) => this.wiring.detach(fiber, this.fill(read, begun))
    return this.wiring.within(Effect.map(
      this.flights.take(key, mayJoin, begin, run, joined),
      (entry) => present(entry, described)
    ))
  }

  private fill(read: Read, begun: Begun): Effect.Effect<Entry, DbError> {
    const { call, described, key, params, statement } = read
    const { clock, entries, level2, registry } = this.wiring
    this.counters.misses++
    statement.usage.misses++
    statement.usage.counter.misses++
    return Effect.map(this.execute(described, params, call), (found) => {
      const entry = this.entryOf(read, found, begun.token, begun.at, clock.currentTimeMillisUnsafe() - begun.at)
      // Not kept: an answer of which it is not known what it may have missed, and one that is old already.
      const isKept = begun.hasBase && !begun.isFenced && statement.version === registry.version &&
        begun.token === this.tokenOf(statement.tables, call.tags)
      if (isKept) entries.set(key, mapped(entry, described))
      level2?.offer(this.wanted(read), isKept ? begun.proof : undefined, found, entry.tookMs)
      return entry
    })
  }

  private entryOf(
    { call, described, statement }: Read,
    found: Found,
    token: number,
    filledAt: number,
    tookMs: number
  ): Entry {
    return entryOf({ found, usage: statement.usage, token, tags: call.tags, filledAt, tookMs }, described)
  }

  private execute(described: Described, params: ReadonlyArray<unknown>, call: Call): Effect.Effect<Found, DbError> {
    const { statements } = this.wiring
    const run = statements.execute(described.mode, described.sql, params)
    if (call.settings.length === 0) return run
    return statements.transaction(Effect.andThen(
      statements.execute("raw", call.setSql, call.settings.flat()),
      run
    ))
  }

  private direct(
    described: Described,
    params: ReadonlyArray<unknown>,
    call: Call,
    why: Bypass
  ): Effect.Effect<unknown, DbError> {
    this.counters.bypass(why)
    return Effect.map(
      this.execute(described, params, call),
      (found) => described.mapper === undefined ? found : described.mapper(found as ReadonlyArray<unknown>)
    )
  }
}
