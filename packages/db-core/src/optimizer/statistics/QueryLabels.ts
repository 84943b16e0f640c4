/**
 * What the code says about the statements it runs: one reference for all of it, since it is looked up for each.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Statement } from "../../telemetry/Fingerprint.ts"

/** Hears of each statement of the fibres that it was given to, and of their children. */
export interface StatementListener {
  readonly heard: (statement: Statement, outcome: {
    readonly sql: string
    readonly params: ReadonlyArray<unknown>
    readonly rows: number
    readonly durationMs: number
    readonly isError: boolean
  }, name: string | undefined) => void
}

export interface Labels {
  /** Of the query, as people call it: `events.upcoming`. Never made of values. */
  readonly name?: string
  /** Who asks: a route's pattern, a job. By default the name of the span that it runs in. Never made of values. */
  readonly caller?: string
  /** In milliseconds, for these statements in place of `DbConfig.slowQuery`; `Infinity` for never. */
  readonly slowQuery?: number
  readonly listener?: StatementListener
}

const none: Labels = {}

/** Nothing is said by default. */
export const QueryLabels = Context.Reference<Labels>("@ems/db-core/optimizer/statistics/QueryLabels", {
  defaultValue: () => none
})

/** Says `labels` of every statement in it; what was said around it and is not said here stays. */
export const labelled = (labels: Labels) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => Effect.provideService(effect, QueryLabels, { ...fiber.getRef(QueryLabels), ...labels }))
