/**
 * What a layer above may learn of every statement. The driver calls; statistics, logs and the cache implement.
 */
import type * as Effect from "effect/Effect"
import type { DbError } from "../errors/DbError.ts"

/** `shared`: pipelined with other callers' reads. `exclusive`: alone on its connection. */
export type Lane = "shared" | "exclusive"

/** One finished statement. */
export interface StatementOutcome {
  readonly sql: string
  readonly lane: Lane
  /** In whole milliseconds unless the hooks are precise. */
  readonly durationMs: number
  /** Rows returned, or affected where none are returned. */
  readonly rows: number
  readonly error: DbError | undefined
}

export interface StatementHooks {
  /** Whether durations are wanted with fractions of a millisecond. */
  readonly isPrecise: boolean
  /** Called after each statement, in the caller's fibre. `undefined` when there is nothing to do: the usual case. */
  readonly outcome: (outcome: StatementOutcome) => Effect.Effect<void> | undefined
}
