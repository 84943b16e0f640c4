/**
 * What real traffic says about the connection, for health answers that need no query of their own: the state, what
 * moved it, and when.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DbError } from "../errors/DbError.ts"
import type { ReasonTag } from "../errors/SqlState.ts"
import { type Event, next, type State } from "./ConnectionState.ts"

/** Failures that speak about the connection; a unique violation, for one, proves that it works. */
const meanings: Partial<Record<ReasonTag, Event>> = {
  ConnectFailed: "failed",
  AuthenticationFailed: "failed",
  DatabaseMissing: "failed",
  ConnectionLost: "failed",
  ResourceExhausted: "failed",
  CommitUnknown: "failed",
  ProtocolViolation: "failed",
  ComputeWaking: "waking",
  PoolTimeout: "congested",
  PoolQueueFull: "congested"
}

/** Changes that are kept. */
const kept = 64

export interface Change {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly from: State
  readonly to: State
  readonly event: Event
  /** What moved it, without values. */
  readonly reason: string
}

export interface Observed {
  readonly state: State
  /** When it came to be so. Milliseconds since the epoch. */
  readonly since: number
  /** The last changes, the oldest first. */
  readonly history: ReadonlyArray<Change>
  /** Connection failures since start. */
  readonly errorCount: number
  /** The last one: its reason and text, which hold no values. */
  readonly lastError: string | undefined
  /** Milliseconds since the epoch; `undefined` before the first answer. */
  readonly lastAnswerAt: number | undefined
}

export class Observations extends Context.Service<Observations, {
  readonly answered: () => void
  /** A statement failed: what it was decides whether that speaks about the connection. */
  readonly failed: (error: DbError) => void
  /** Something else than a statement spoke about the connection. */
  readonly note: (event: Event, reason: string) => void
  readonly current: () => Observed
}>()("@ems/db-core/connection/Observations") {
  static readonly layer = () =>
    Layer.effect(
      Observations,
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        // Fields and not an object: this runs for every statement.
        let state: State = "starting"
        let since = clock.currentTimeMillisUnsafe()
        let errorCount = 0
        let lastError: string | undefined
        let lastAnswerAt: number | undefined
        const history: Array<Change> = []

        const note = (event: Event, reason: string): void => {
          const to = next(state, event)
          if (to === state) return
          since = clock.currentTimeMillisUnsafe()
          history.push({ at: since, from: state, to, event, reason })
          if (history.length > kept) history.shift()
          state = to
        }
        const answered = () => {
          lastAnswerAt = clock.currentTimeMillisUnsafe()
          if (state !== "healthy") note("answered", "a statement was answered")
        }
        return {
          answered,
          note,
          failed: (error) => {
            const meaning = meanings[error.reason._tag]
            // A deadline that passes says nothing: the statement may be slow, or the network gone.
            if (meaning === undefined) return error.fate === "Refused" ? answered() : undefined
            errorCount++
            lastError = `${error.reason._tag}: ${error.reason.message}`
            note(meaning, lastError)
          },
          current: () => ({ state, since, history: [...history], errorCount, lastError, lastAnswerAt })
        }
      })
    )
}
