/**
 * For tests of code that uses the database: how many statements it may run, and whether it asks in a way that will be
 * slow one day. A page that is fast with ten rows tells nothing of its N+1.
 *
 * ```ts
 * const page = await run(expectQueries({ max: 3 })(loadEventPage(id)))
 * ```
 */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { type FindingKind, QueryScope } from "./optimizer/statistics/QueryScope.ts"

export interface QueryExpectation {
  /** Statements at most; those that control transactions and cursors do not count. */
  readonly max?: number
  /** Findings that are accepted. By default none is. */
  readonly allow?: ReadonlyArray<FindingKind>
}

const listed = (scope: QueryScope): ReadonlyArray<string> =>
  scope.queries.map(({ count, name, rows, text }) =>
    `  ${count}x ${rows} rows  ${name === undefined ? "" : `${name}: `}${text}`
  )

/** What is wrong with what ran in `scope`, and everything that ran; `undefined` when all is well. */
const complaint = (scope: QueryScope, { allow = [], max }: QueryExpectation): string | undefined => {
  const problems = scope.findings
    .filter(({ kind }) => !allow.includes(kind))
    .map(({ advice, count, kind, name, text }) => `  ${kind}, ${count}x: ${name ?? text}\n    ${advice}`)
  const isTooMany = max !== undefined && scope.count > max
  if (!isTooMany && problems.length === 0) return undefined
  return [
    isTooMany ? `expected at most ${max} statements, ran ${scope.count}` : `ran ${scope.count} statements`,
    ...(problems.length === 0 ? [] : ["found:", ...problems]),
    "ran:",
    ...listed(scope)
  ].join("\n")
}

/**
 * Runs `effect` and fails the test if it ran too many statements, or in a way that `allow` does not accept. Its message
 * lists what ran, without values. Counts the statements of the fibre that runs `effect` and of its children. An effect
 * that fails, fails with its own error.
 */
export const expectQueries =
  (expectation: QueryExpectation) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const scope = new QueryScope()
      return Effect.tap(scope.run(effect), () =>
        Effect.sync(() => {
          const said = complaint(scope, expectation)
          if (said !== undefined) expect.fail(said)
        }))
    })
