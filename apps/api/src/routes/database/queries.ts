/** `GET /api/db/queries` and `GET /api/db/queries/:id`: what ran, how often and how long. */
import { Queries, QueriesQuery, Query, QueryId, QueryQuery, type ServerQuery } from "@ems/schema/contract/Queries"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { pageOfAnswer } from "../../http/Page.ts"
import { badQuery, notFound } from "../../http/Refusal.ts"
import type { Runtime } from "../../Runtime.ts"
import { processQueries, processQuery } from "./processQueries.ts"
import { serverQueries } from "./serverQueries.ts"

const serverColumns = {
  total: ({ totalMs }) => totalMs,
  calls: ({ calls }) => calls,
  mean: ({ meanMs }) => meanMs,
  rows: ({ rows }) => rows,
  reads: ({ sharedReadBlocks }) => sharedReadBlocks,
  temporary: ({ tempBlocks }) => tempBlocks,
  wal: ({ walBytes }) => walBytes
} as const satisfies Record<string, (row: ServerQuery) => number>

type ServerColumn = keyof typeof serverColumns

const isServerSort = (sort: string): sort is ServerColumn | `-${ServerColumn}` =>
  Object.hasOwn(serverColumns, sort.replace(/^-/, ""))

const list = ({ sort = "-total", source = "process", window = "1h", ...query }: typeof QueriesQuery.Type) =>
  Effect.gen(function*() {
    if (source === "process") {
      return { source, window, ...yield* processQueries(window, sort, query) } satisfies Queries
    }
    if (!isServerSort(sort)) {
      const known = Object.keys(serverColumns).join(", ")
      return yield* badQuery("sort", `one of ${known}, with or without - before it`)
    }
    const page = pageOfAnswer(yield* serverQueries(window), { ...query, sort }, serverColumns)
    return { source, window, ...page } satisfies Queries
  })

const one = (id: string, { source = "process", window = "1h" }: typeof QueryQuery.Type) =>
  Effect.gen(function*() {
    if (source === "process") {
      const query = yield* processQuery(id, window)
      if (query === undefined) return yield* notFound("query")
      return { source, window, query } satisfies Query
    }
    const answer = yield* serverQueries(window)
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
