/** `GET /api/db/queries` and `GET /api/db/queries/:id`: what ran, how often and how long. */
import {
  countedStatements,
  type StatementColumn,
  statementColumns,
  statementReport
} from "@ems/db-core/catalog/StatementReport"
import { Queries, QueriesQuery, Query, QueryId, QueryQuery } from "@ems/schema/contract/Queries"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { badQuery, notFound } from "../../http/Refusal.ts"
import type { Runtime } from "../../Runtime.ts"
import { processQueries, processQuery } from "./processQueries.ts"

/** Of the last minute nobody knows. */
const notByTheMinute = badQuery("window", "1h, 24h or all: the server is counted by the hour")

const isServerSort = (sort: string): sort is StatementColumn | `-${StatementColumn}` =>
  statementColumns.some((column) => column === sort.replace(/^-/, ""))

const list = ({ sort = "-total", source = "process", window = "1h", ...query }: typeof QueriesQuery.Type) =>
  Effect.gen(function*() {
    if (source === "process") {
      return { source, window, ...yield* processQueries(window, sort, query) } satisfies Queries
    }
    if (!isServerSort(sort)) {
      return yield* badQuery("sort", `one of ${statementColumns.join(", ")}, with or without - before it`)
    }
    if (window === "1m") return yield* notByTheMinute
    return { source, window, ...yield* statementReport(window, { ...query, sort }) } satisfies Queries
  })

const one = (id: string, { source = "process", window = "1h" }: typeof QueryQuery.Type) =>
  Effect.gen(function*() {
    if (source === "process") {
      const query = yield* processQuery(id, window)
      if (query === undefined) return yield* notFound("query")
      return { source, window, query } satisfies Query
    }
    if (window === "1m") return yield* notByTheMinute
    const answer = yield* countedStatements(window)
    const statements = answer.isAvailable ? answer.rows.filter((row) => row.id === id || row.queryId === id) : []
    if (answer.isAvailable && statements.length === 0) return yield* notFound("query")
    return {
      source,
      window,
      statements,
      unavailable: answer.isAvailable ? null : answer.unavailable,
      notes: answer.isAvailable ? answer.notes : []
    } satisfies Query
  })

export const queries = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia()
    .get("/api/db/queries", ({ query, request }) => respond(list(query), request), {
      query: Contract.request(QueriesQuery),
      response: { 200: Contract.response(Queries) },
      detail: only("viewer", "database:read", {
        summary: "Queries and what they cost",
        description:
          "By fingerprint, the dearest first: calls, durations, rows, errors and what the cache did, as this " +
          "process saw it, or (source=server) what pg_stat_statements counted for everybody.",
        tags: ["database"]
      })
    })
    .get("/api/db/queries/:id", ({ params, query, request }) => respond(one(params.id, query), request), {
      params: Contract.request(QueryId),
      query: Contract.request(QueryQuery),
      response: { 200: Contract.response(Query) },
      detail: only("viewer", "database:read", {
        summary: "One query",
        description: "With who called it and how the server goes about it.",
        tags: ["database"]
      })
    })
