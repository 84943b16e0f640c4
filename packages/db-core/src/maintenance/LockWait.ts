/**
 * Waits until the transactions are gone that a concurrent statement would have to wait for.
 *
 * CREATE INDEX CONCURRENTLY waits for them in its middle: when it gives up there, its work is lost and an invalid index
 * stays, which cannot even be dropped while they last. Waiting for them first costs nothing, leaves nothing, and holds
 * up nobody. Those that begin later are not waited for: with steady writers there would be no end.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { DbError } from "../errors/DbError.ts"
import { asBlockers, type BlockerRow, type Waits } from "./blockers.ts"
import type { Blocker } from "./MaintenanceError.ts"
import type { RunnerSession } from "./RunnerLock.ts"
import { blockersOf } from "./Situation.ts"

/** Between two looks, in milliseconds: transactions of writers take a few. */
const interval = 100

const keyOf = ({ pid, transaction }: BlockerRow): string => `${pid} ${transaction}`

/** Who is still in the way after `timeout` milliseconds; nobody when it is free. `seen` hears of them meanwhile. */
export const awaitFree = (
  runner: RunnerSession,
  waits: Waits,
  tableOid: number,
  ours: () => ReadonlyArray<number>,
  timeout: number,
  seen: (blockers: ReadonlyArray<Blocker>) => void
): Effect.Effect<ReadonlyArray<Blocker>, DbError> =>
  runner.isOnly ? Effect.succeed([]) : Effect.gen(function*() {
    const until = (yield* Clock.currentTimeMillis) + timeout
    const look = Effect.suspend(() =>
      runner.ask((connection) => blockersOf(connection, waits, [tableOid], [runner.pid, ...ours()]))
    )
    let there = yield* look
    while (there.length > 0) {
      const blockers = asBlockers(there)
      if ((yield* Clock.currentTimeMillis) >= until) return blockers
      seen(blockers)
      yield* Effect.sleep(Math.min(interval, timeout))
      const before = new Set(there.map(keyOf))
      there = (yield* look).filter((row) => before.has(keyOf(row)))
    }
    return []
  })
