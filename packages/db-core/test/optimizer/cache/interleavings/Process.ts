/**
 * One process with the real cache, wired as `Optimizer` wires it, over questions that wait until somebody lets them go
 * on. Everything else happens at once: what a fibre can do, it has done when the call that woke it returns.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { CurrentBudget } from "../../../../src/driver/Budget.ts"
import type { Statements } from "../../../../src/driver/Statements.ts"
import type { WireConnection } from "../../../../src/driver/WireConnection.ts"
import type { DbError } from "../../../../src/errors/DbError.ts"
import { callOf } from "../../../../src/optimizer/cache/Call.ts"
import { Entries } from "../../../../src/optimizer/cache/Entry.ts"
import { Feed, type FeedSource } from "../../../../src/optimizer/cache/Feed.ts"
import { Fences } from "../../../../src/optimizer/cache/Fences.ts"
import { Plan } from "../../../../src/optimizer/cache/Plan.ts"
import { QueryCache } from "../../../../src/optimizer/cache/QueryCache.ts"
import { Registry } from "../../../../src/optimizer/cache/Registry.ts"
import { Tables } from "../../../../src/optimizer/cache/Tables.ts"
import type { Author, ModelDatabase } from "./ModelDatabase.ts"
import { quiet, readSql, writeSql } from "./Oracle.ts"
import type { Pending } from "./Pending.ts"
import type { Level } from "./Promises.ts"
import { type Key, staleness } from "./Scenario.ts"

/** The transaction that a fibre is in. */
const CurrentXid = Context.Reference<bigint | undefined>("test/interleavings/CurrentXid", {
  defaultValue: () => undefined
})

/** All fibres share one queue: hardly anything but the clock needs it. */
class OneQueue extends Scheduler.MixedScheduler {
  readonly queue = super.makeDispatcher()
  override makeDispatcher() {
    return this.queue
  }
}

/** Long enough for every schedule. Milliseconds. */
const ttl = 3_600_000

/**
 * The registry of one process after the other: its maps, which have room for thousands of texts, would take nine tenths
 * of the time of each schedule if every process made its own.
 */
const registry = new Registry(
  { quiet },
  new Tables(),
  true,
  (effect) => effect,
  Effect.runFork,
  () => ({ hits: 0, misses: 0, bypasses: 0 })
)

const newRegistry = (tables: Tables): Registry => {
  registry.forget()
  // As `new` leaves them; `forget` has seen to the rest, and the oracle answers at once, so that nothing is under way.
  return Object.assign(registry, { tables, ids: 0, version: 0, isActive: false })
}

interface Row {
  readonly author: Author
}

export class Process {
  private readonly scheduler = new OneQueue()
  private readonly context: Context.Context<never>
  readonly statements: Statements
  readonly clock: TestClock.TestClock
  readonly fences: Fences["Service"]
  readonly registry: Registry
  readonly entries: Entries
  readonly source: FeedSource
  readonly feed: Feed
  readonly cache: QueryCache

  constructor(database: ModelDatabase, pending: Pending) {
    this.clock = Effect.runSync(Scope.provide(TestClock.make(), Scope.makeUnsafe()))
    this.context = Context.add(Context.make(Clock.Clock, this.clock), Scheduler.Scheduler, this.scheduler)
    // From now on it does not warn that time stands still.
    this.pause(0)
    const fences = this.fences = Effect.runSync(Effect.provide(Fences, Fences.layer()))
    const { tables } = fences
    const rows = (xid?: bigint): ReadonlyArray<Row> => database.read(xid).map((author) => ({ author }))
    const statements: Statements = this.statements = {
      // A transaction has its connection alone, and nothing comes between its statements that matters here.
      execute: (_mode, _sql, [key]) =>
        Effect.withFiber((fiber) => {
          const xid = fiber.getRef(CurrentXid)
          // The only parameter of the only statement.
          return xid === undefined ? pending.ask(key as Key, rows) : Effect.sync(() => rows(xid))
        }),
      transaction: (body) => body,
      // Only asked whether there is one.
      current: (fiber) => fiber.getRef(CurrentXid) === undefined ? undefined : {} as WireConnection,
      lease: Effect.die("not used"),
      quiet
    }
    const within = <A>(effect: Effect.Effect<A, DbError>) => effect
    const fork = <A, E>(effect: Effect.Effect<A, E>) => this.fork(effect)
    this.registry = newRegistry(tables)
    fences.consult((sql) => this.registry.written(sql))
    this.entries = new Entries({ maxEntries: 10, maxBytes: 1_000_000, maxEntryBytes: 100_000 })
    this.source = {
      ready: Effect.void,
      ask: (since, guarded) => pending.ask(undefined, () => database.poll(since, guarded)),
      beginEpoch: Effect.sync(() => database.beginEpoch())
    }
    this.feed = new Feed(
      tables,
      this.source,
      { staleness, pollInterval: 150, idleAfter: 5000 },
      {
        flushed: (why) => {
          this.entries.clear()
          if (why === "definitions") this.registry.forget()
        }
      },
      this.clock,
      fork
    )
    this.cache = new QueryCache({
      statements,
      tables,
      registry: this.registry,
      entries: this.entries,
      feed: this.feed,
      clock: this.clock,
      staleness,
      within,
      detach: (leader, effect) => Effect.runForkWith(Context.add(leader.context, CurrentBudget, undefined))(effect)
    })
  }

  fork<A, E>(effect: Effect.Effect<A, E>, xid?: bigint): Fiber.Fiber<A, E> {
    return Effect.runForkWith(xid === undefined ? this.context : Context.add(this.context, CurrentXid, xid))(effect)
  }

  get now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  /** Sleepers wake on the way. Milliseconds. */
  pause(duration: number): void {
    this.fork(this.clock.adjust(duration))
    this.settle()
  }

  /** Until nothing can go on by itself. */
  settle(): void {
    this.scheduler.queue.flush()
  }

  /** A read through the cache, in a transaction if `xid` names one. */
  read(key: Key, level: Level, after: bigint | undefined, xid?: bigint): Fiber.Fiber<ReadonlyArray<Author>, DbError> {
    const consistency = level === "after" ? { after: String(after) } : level
    const described = { sql: readSql, params: [], mode: "objects", mapper: undefined, prepared: undefined } as const
    const call = callOf({ consistency }, this.fences.tables, ttl)
    return this.fork(
      Effect.map(
        // As the database gave them: there is no mapper.
        Effect.withFiber((fiber) => this.cache.read(fiber, new Plan(described, call), [key])) as Effect.Effect<
          ReadonlyArray<Row>,
          DbError
        >,
        (rows) => rows.map(({ author }) => author)
      ),
      xid
    )
  }

  /** As if the texts had been met before. */
  learn(writes: boolean): void {
    for (const sql of writes ? [readSql, writeSql] : [readSql]) {
      this.fork(this.registry.learn(sql, { tables: [], settings: [] }))
    }
  }

  /** What the feed's own loop does. */
  poll(): void {
    this.feed["next"]()
  }

  get isPolling(): boolean {
    return this.feed["running"] !== undefined
  }
}
