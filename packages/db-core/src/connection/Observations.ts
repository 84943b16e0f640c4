/**
 * What real traffic says about the connection, for health answers that need no query of their own.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DbError } from "../errors/DbError.ts"
import type { ReasonTag } from "../errors/SqlState.ts"

/** Failures that speak about the connection; a unique violation, for one, proves that it works. */
const connectionTags: ReadonlySet<ReasonTag> = new Set<ReasonTag>([
  "ConnectFailed",
  "AuthenticationFailed",
  "DatabaseMissing",
  "ConnectionLost",
  "PoolTimeout",
  "PoolQueueFull",
  "ResourceExhausted",
  "ComputeWaking",
  "CommitUnknown",
  "ProtocolViolation"
])

export interface Observed {
  /** Connection failures since start. */
  readonly errorCount: number
  /** The last one: its reason and text, which hold no values. */
  readonly lastError: string | undefined
  /** Milliseconds since the epoch; `undefined` before the first answer. */
  readonly lastAnswerAt: number | undefined
  /** Whether the last thing seen was an answer. */
  readonly isAnswering: boolean
}

export class Observations extends Context.Service<Observations, {
  readonly answered: () => void
  readonly failed: (error: DbError) => void
  readonly current: Effect.Effect<Observed>
}>()("@ems/db-core/connection/Observations") {
  static readonly layer = () =>
    Layer.effect(
      Observations,
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        // Fields and not an object: this runs for every statement.
        let errorCount = 0
        let lastError: string | undefined
        let lastAnswerAt: number | undefined
        let isAnswering = false
        const answered = () => {
          lastAnswerAt = clock.currentTimeMillisUnsafe()
          isAnswering = true
        }
        return {
          answered,
          failed: (error) => {
            if (!connectionTags.has(error.reason._tag)) return answered()
            errorCount++
            lastError = `${error.reason._tag}: ${error.reason.message}`
            isAnswering = false
          },
          current: Effect.sync(() => ({ errorCount, lastError, lastAnswerAt, isAnswering }))
        }
      })
    )
}
