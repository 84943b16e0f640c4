/** `GET /api/db/metrics`: how the query cache, the statements of this process and the database do. */
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { performanceMetrics } from "@ems/db-core/catalog/PerformanceMetrics"
import { Optimizer } from "@ems/db-core/optimizer/Optimizer"
import { QueryStatistics } from "@ems/db-core/optimizer/statistics/QueryStatistics"
import { Metrics } from "@ems/schema/contract/Metrics"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"
import { cacheOf } from "../cache.ts"
import { instant } from "./processQueries.ts"

/** Of each list. */
const most = 50

const largest = <Row extends { readonly bytes: number }>(rows: ReadonlyArray<Row>): ReadonlyArray<Row> =>
  rows.toSorted((a, b) => b.bytes - a.bytes).slice(0, most)

const report = Effect.gen(function*() {
  const { indexes, tables, unusedIndexes, ...performance } = yield* Effect.flatMap(Catalog, performanceMetrics)
  const totals = yield* QueryStatistics.use((statistics) => statistics.totals())
  const { queries: _, tables: __, ...cache } = cacheOf(yield* Optimizer.use(({ snapshot }) => snapshot), [])
  return {
    timestamp: DateTime.formatIso(yield* DateTime.now),
    queryOptimization: { cache, metrics: { ...totals, since: instant(totals.since) } },
    databasePerformance: {
      ...performance,
      // They come with the largest first.
      tables: tables.slice(0, most),
      indexes: largest(indexes),
      unusedIndexes: largest(unusedIndexes),
      counts: { tables: tables.length, indexes: indexes.length, unusedIndexes: unusedIndexes.length }
    }
  } satisfies Metrics
})

export const metrics = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/metrics", ({ request }) => respond(report, request), {
    response: { 200: Contract.response(Metrics) },
    detail: only("viewer", "database:read", {
      summary: "How the database does, in one look",
      description: "The query cache, all statements of this process together, and of the database its size and its " +
        "largest tables and indexes.",
      tags: ["database"]
    })
  })
