/**
 * What the pool looks after while nobody asks: connections that nobody uses, and those that somebody never gives back.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { DbConfigShape } from "../../config/DbConfig.ts"
import type { Connections } from "./Connections.ts"
import type { CloseReason, Entry } from "./Entry.ts"
import type { Counters } from "./Snapshot.ts"

export interface Kept {
  readonly connections: Connections
  readonly counters: Counters
  readonly discard: (entry: Entry, reason: CloseReason) => void
  readonly now: () => number
}

/** Runs until the scope closes. */
export const make = (
  config: Pick<DbConfigShape, "poolIdleTimeout" | "poolLeakAfter" | "poolMaxUses">,
  { connections: { entries }, counters, discard, now }: Kept
): Effect.Effect<void, never, Scope.Scope> => {
  const closeUnused = Effect.sync(() => {
    for (const entry of entries) {
      if (entry.state !== "idle") continue
      const reason = entry.unfit(config, now()) ??
        (now() - entry.idleSince >= config.poolIdleTimeout ? "idle" : undefined)
      if (reason !== undefined) discard(entry, reason)
    }
  })

  const reportLeaks = Effect.suspend(() => {
    const leaked = [...entries].flatMap(({ holder }) =>
      holder !== undefined && !holder.isReported && now() - holder.since >= config.poolLeakAfter ? [holder] : []
    )
    return Effect.forEach(leaked, (holder) => {
      holder.isReported = true
      counters.leaks++
      return Effect.logWarning(`a connection is held for ${now() - holder.since} ms by ${holder.name}`)
    }, { discard: true })
  })

  return Effect.andThen(closeUnused, reportLeaks).pipe(
    Effect.repeat(Schedule.spaced(Math.max(50, Math.min(config.poolIdleTimeout, config.poolLeakAfter) / 4))),
    Effect.forkScoped,
    Effect.asVoid
  )
}
