/**
 * Asks for a lock for a moment only, and again later: whoever waits for ACCESS EXCLUSIVE holds up everybody behind it in
 * the queue, readers too. What it waited for is said each time.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { Database } from "../../connection/Database.ts"
import { DbError, isDbError } from "../../errors/DbError.ts"
import { type Blocker, blockersOf, describe } from "./Blockers.ts"

export interface PatienceOptions {
  /**
   * How long a statement may queue for a lock that holds up readers or writers. Milliseconds, default 1000: what
   * squawk's guide to safe migrations sets.
   */
  readonly lockTimeout?: number
  /**
   * The same for locks that hold up neither, such as that of CREATE INDEX CONCURRENTLY, which waits for every older
   * transaction to end. Milliseconds, default `Infinity`.
   */
  readonly concurrentLockTimeout?: number
  /** How long one step is tried again in all. Milliseconds, default 600 000. */
  readonly patience?: number
}

export interface Patience extends Required<PatienceOptions> {
  /** The session that runs the statements. */
  readonly pid: number
  /** Another session can be asked about it. An embedded database has no other. */
  readonly canAsk: boolean
}

export const defaults: Required<PatienceOptions> = {
  lockTimeout: 1000,
  concurrentLockTimeout: Number.POSITIVE_INFINITY,
  patience: 600_000
}

/** While a wait without limit goes on, it is said again and again. Milliseconds. */
const sayEvery = 10_000

/** The question is small; where the pool is busy nobody waits for it. Milliseconds. */
const askWithin = 2000

/** Half a second doubling to ten, varied by a fifth: two runners of two databases must not meet again and again. */
const waits = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("10 seconds")]).pipe(Schedule.jittered)

const lostTheLock = (error: unknown): boolean =>
  isDbError(error) && (error.reason._tag === "LockTimeout" || error.reason._tag === "Deadlock")

/**
 * Runs `step`, which sets `limit` as its lock timeout, until it gets its locks. `what` begins the lines of the log.
 * When patience ends it fails with `LockTimeout`, which names those it waited for last.
 */
export const patiently = <A, E, R>(
  { canAsk, patience, pid }: Patience,
  what: string,
  limit: number,
  step: Effect.Effect<A, E, R>
): Effect.Effect<A, E | DbError, R | Database> =>
  Effect.gen(function*() {
    const database = yield* Database
    const begin = yield* Clock.currentTimeMillis
    let chain: ReadonlyArray<Blocker> = []

    const ask = Effect.ignore(Effect.map(
      database.query((db) => db.execute<Blocker>(blockersOf(pid)), { timeout: askWithin }),
      ({ rows }) => {
        if (rows.length > 0) chain = rows
        return rows
      }
    ))
    /** Twice before the lock timeout, so that one of the answers comes from within the wait. */
    const often = Math.max(20, Math.min(limit, 2000) / 2.5)
    const watch = Effect.gen(function*() {
      let said = yield* Clock.currentTimeMillis
      for (;;) {
        yield* Effect.sleep(often)
        chain = limit === Number.POSITIVE_INFINITY ? [] : chain
        yield* ask
        const now = yield* Clock.currentTimeMillis
        if (chain.length === 0 || now - said < sayEvery) continue
        said = now
        yield* Effect.logWarning(`${what} waits for ${describe(chain)}`)
      }
    })
    const watched = canAsk ? Effect.scoped(Effect.andThen(Effect.forkScoped(watch), step)) : step

    const told = Effect.tapError(watched, (error) =>
      lostTheLock(error)
        ? Effect.logWarning(
          `${what} did not get its lock within ${limit} ms` +
            (chain.length === 0 ? "" : `: it waited for ${describe(chain)}`) + "; trying again"
        )
        : Effect.void)

    const again = waits.pipe(
      Schedule.while(({ input }) => lostTheLock(input)),
      Schedule.upTo({ duration: patience })
    )
    return yield* Effect.catchIf(Effect.retry(told, again), lostTheLock, (error) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.fail(DbError.of("LockTimeout", "RolledBack", "migrate", {
          message: `${what} did not get its lock in ${Math.round((now - begin) / 1000)} s` +
            (chain.length === 0 ? "" : `; it waited for ${describe(chain)}`),
          ...(isDbError(error) && error.reason.sqlState !== undefined ? { sqlState: error.reason.sqlState } : {})
        }))))
  })
