/** `GET /api/db/slow-queries`: the last statements of this process that were slow. */
import { pageFrom } from "@ems/db-core/catalog/AnswerPage"
import { DbConfig } from "@ems/db-core/config/DbConfig"
import { QueryStatistics } from "@ems/db-core/optimizer/statistics/QueryStatistics"
import type { SlowQuery as Kept } from "@ems/db-core/optimizer/statistics/SlowQueries"
import { SlowQueries, SlowQueriesQuery, type SlowQuery } from "@ems/schema/contract/SlowQueries"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"
import { instant } from "./processQueries.ts"

const slowQueryOf = (kept: Kept): SlowQuery => ({
  ...kept,
  name: kept.name ?? null,
  caller: kept.caller ?? null,
  at: instant(kept.at),
  error: kept.error ?? null,
  parameters: kept.parameters.map(({ length, type }) => ({ type, length: length ?? null }))
})

const list = ({ threshold = 0, ...query }: typeof SlowQueriesQuery.Type) =>
  Effect.gen(function*() {
    const { slowQueriesKept, slowQuery } = yield* DbConfig
    const found = yield* QueryStatistics.use(({ slow }) => slow(threshold))
    return {
      ...pageFrom(found.map(slowQueryOf), query, {
        duration: ({ durationMs }) => durationMs,
        at: ({ at }) => at,
        rows: ({ rows }) => rows
      }),
      unavailable: null,
      notes: [],
      slowQueryMs: slowQuery,
      kept: slowQueriesKept
    } satisfies SlowQueries
  })

export const slowQueries = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/slow-queries", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(SlowQueriesQuery),
    response: { 200: Contract.response(SlowQueries) },
    detail: only("viewer", "database:read", {
      summary: "The last slow statements",
      description: "Of this process, the slowest first, without their values.",
      tags: ["database"]
    })
  })
