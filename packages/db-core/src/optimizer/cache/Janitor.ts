/**
 * Empties the change log of what everybody has seen. Every process that reads it offers to do so; the database lets one
 * of them, every nine seconds.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { internalSchema } from "../../catalog/internalSchema.ts"
import type { StatementRunner } from "../../connection/StatementRunner.ts"
import type { Feed } from "./Feed.ts"

/** Offered this often. Milliseconds. */
const every = 10_000

/** One sweep, at most. Milliseconds. */
const timeout = 5000

const sweepSql = `select ${internalSchema}.sweep()`

/** Does nothing while the feed sleeps or is away: an idle compute may suspend. */
export const upkeep = (
  feed: Feed,
  { statements, within }: StatementRunner["Service"]
): Effect.Effect<never> =>
  Effect.gen(function*() {
    for (;;) {
      yield* Effect.sleep(every * (0.9 + 0.2 * (yield* Random.next)))
      if (feed.state !== "live") continue
      yield* Effect.ignore(within(
        Effect.scoped(Effect.flatMap(statements.quiet, (connection) => connection.execute("raw", sweepSql, [], false))),
        timeout
      ))
    }
  })
