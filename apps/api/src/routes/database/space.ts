/** `GET /api/db/space`: what takes how much room, how fast it grows, and what of it would not be needed. */
import { rowsOf, unavailableParts } from "@ems/db-core/catalog/AnswerParts"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { tableBloat } from "@ems/db-core/catalog/tableBloat"
import { databaseGrowth, tableGrowth } from "@ems/db-core/catalog/tableGrowth"
import { Space, SpaceQuery } from "@ems/schema/contract/Space"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { pageOfAnswer } from "../../http/Page.ts"
import type { Runtime } from "../../Runtime.ts"
import { noted } from "./noted.ts"

const list = ({ sort = "-total", ...query }: typeof SpaceQuery.Type) =>
  Effect.gen(function*() {
    const { read } = yield* Catalog
    const tables = yield* read(tableGrowth)
    const bloat = yield* read(tableBloat)
    const database = yield* read(databaseGrowth)
    const bloats = new Map(rowsOf(bloat).map((row) => [`${row.schema}.${row.table}`, row]))
    const answer = tables.isAvailable
      ? {
        ...tables,
        rows: tables.rows.map((row) => ({ ...row, bloat: bloats.get(`${row.schema}.${row.table}`) ?? null })),
        notes: noted(tables, bloat)
      }
      : tables
    return {
      ...pageOfAnswer(answer, { ...query, sort }, {
        total: ({ totalBytes }) => totalBytes,
        heap: ({ heapBytes }) => heapBytes,
        indexes: ({ indexBytes }) => indexBytes,
        toast: ({ toastBytes }) => toastBytes,
        rows: ({ rows }) => rows,
        growth: ({ bytesPerDay }) => bytesPerDay,
        wasted: ({ bloat }) => bloat?.wastedBytes
      }),
      database: rowsOf(database)[0] ?? null,
      unavailableParts: unavailableParts({ database, bloat })
    } satisfies Space
  })

export const space = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/space", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(SpaceQuery),
    response: { 200: Contract.response(Space) },
    detail: only("viewer", "database:read", {
      summary: "What takes how much room",
      description:
        "The database and its tables, the largest first, with how fast they grow and what a rewrite would gain.",
      tags: ["database"]
    })
  })
