/**
 * Keeps what the server counts of its statements, every few minutes, and what its tables, sequences and ids stand at,
 * every hour; for as long as the process runs, and the former once more before it ends.
 *
 * Only where callers' statements ran since the last look: a look is a query, too, and would keep a serverless compute
 * awake for ever. What it would have found is found by the next one.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Catalog } from "../../catalog/Catalog.ts"
import * as ObjectSamples from "../../catalog/ObjectSamples.ts"
import * as StatementDeltas from "../../catalog/StatementDeltas.ts"
import type { Database } from "../../connection/Database.ts"
import type { DbError } from "../../errors/DbError.ts"
import { QueryStatistics } from "./QueryStatistics.ts"

export interface SamplingOptions {
  /** Between two looks at statements. Milliseconds, default 300,000. */
  readonly interval?: number
  /** Between two looks at objects, at least. Milliseconds, default 3,600,000. */
  readonly objectInterval?: number
}

/** The last look may hold up the end for so long. Milliseconds. */
const farewell = 2000

/** Whether it went well. */
const logged = <A, R>(what: string, look: Effect.Effect<A, DbError, R>): Effect.Effect<boolean, never, R> =>
  Effect.matchEffect(look, {
    onSuccess: () => Effect.succeed(true),
    onFailure: (error) => Effect.as(Effect.logWarning(`the server's ${what}`, error.message), false)
  })

/** Logs what goes wrong, and goes on. Where the extension or a store is missing nothing is kept there. */
export const layer = (
  { interval = 300_000, objectInterval = ObjectSamples.defaultInterval }: SamplingOptions = {}
): Layer.Layer<never, never, Catalog | Database | QueryStatistics> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const statistics = yield* QueryStatistics
    const context = yield* Effect.context<Catalog | Database>()
    const counted = Effect.map(statistics.totals(), ({ calls }) => calls)
    let seen = yield* counted
    /** Not when another process did within `intervalMs`. */
    const look = (intervalMs: number) =>
      Effect.gen(function*() {
        if ((yield* counted) === seen) return
        const isCounted = yield* logged("statements were not counted", StatementDeltas.sample({ intervalMs }))
        yield* logged("objects were not sampled", ObjectSamples.sample({ intervalMs: objectInterval }))
        // Their own statements are counted as well. Objects can wait for the next one; counters may be gone by then.
        if (isCounted) seen = yield* counted
      }).pipe(Effect.provideContext(context))
    yield* Effect.addFinalizer(() => Effect.timeoutOption(look(0), farewell))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(interval), look(Math.min(interval, 60_000)))))
  }))
