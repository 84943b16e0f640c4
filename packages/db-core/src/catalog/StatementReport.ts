/** Statements as the server counted them for everybody, by the hour: what `StatementDeltas` kept. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Database } from "../connection/Database.ts"
import type { DbError } from "../errors/DbError.ts"
import { pageOfAnswer, type PageQuery } from "./AnswerPage.ts"
import { permitted } from "./AnswerParts.ts"
import { Catalog } from "./Catalog.ts"
import { type Answer, available, unavailable } from "./CatalogQuery.ts"
import * as StatementDeltas from "./StatementDeltas.ts"
import { needsStatements } from "./statementTotals.ts"

const hour = 3_600_000

/** Milliseconds. */
const spans = {
  "1h": hour,
  "24h": 24 * hour,
  all: StatementDeltas.keptDays * 24 * hour
}

export type StatementWindow = keyof typeof spans

/** Of one window, at most. */
const most = 1000

const columns = {
  total: ({ totalMs }) => totalMs,
  calls: ({ calls }) => calls,
  mean: ({ meanMs }) => meanMs,
  rows: ({ rows }) => rows,
  reads: ({ sharedReadBlocks }) => sharedReadBlocks,
  temporary: ({ tempBlocks }) => tempBlocks,
  wal: ({ walBytes }) => walBytes
} as const satisfies Record<string, (row: CountedStatement) => number>

export type StatementColumn = keyof typeof columns

export const statementColumns = Object.keys(columns) as ReadonlyArray<StatementColumn>

export type CountedStatement = ReturnType<typeof statementOf>

const statementOf = ({ fingerprint, query, ...row }: StatementDeltas.TopStatement) => ({
  ...row,
  /** Its id among the queries of a process. */
  id: fingerprint,
  /** Without literals. */
  text: query
})

const kept = (window: StatementWindow) =>
  Effect.gen(function*() {
    const server = yield* Catalog.use((catalog) => catalog.server)
    // What was kept before the extension went would look as if nothing ran since.
    const lacking = needsStatements(server)
    if (lacking !== undefined) return { isAvailable: false, unavailable: lacking } satisfies Answer<CountedStatement>
    const since = (yield* Clock.currentTimeMillis) - spans[window]
    const answer = yield* StatementDeltas.top({ since, limit: most })
    if (!answer.isAvailable) return answer
    if (answer.rows.length === 0) {
      return {
        isAvailable: false,
        unavailable: unavailable("statistics", "nothing is kept of this time: the counters are looked at now and then")
      } satisfies Answer<CountedStatement>
    }
    return available(answer.rows.map(statementOf), [
      "Counted by whole hours, up to the last look at the counters",
      ...answer.rows.length < most ? [] : [`Only the ${most} that took longest are in it`]
    ])
  })

/** All that is kept of `window`, the dearest first. */
export const countedStatements = (
  window: StatementWindow
): Effect.Effect<Answer<CountedStatement>, DbError, Catalog | Database> =>
  permitted(kept(window), "the statistics of statements")

/** One page of it. */
export const statementReport = (window: StatementWindow, query: PageQuery<StatementColumn>) =>
  Effect.map(countedStatements(window), (answer) => pageOfAnswer(answer, query, columns))
