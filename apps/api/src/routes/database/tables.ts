/** `GET /api/db/tables`: how large each table is, how it is read, and what is written to it. */
import { unavailableParts } from "@ems/db-core/catalog/AnswerParts"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { tableAnswers } from "@ems/db-core/catalog/PerformanceMetrics"
import { Tables, TablesQuery } from "@ems/schema/contract/Tables"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import { pageOfAnswer } from "../../http/Page.ts"
import type { Runtime } from "../../Runtime.ts"

const list = ({ sort = "-total", ...query }: typeof TablesQuery.Type) =>
  Effect.map(Effect.flatMap(Catalog, tableAnswers), ({ activity, tables }) => ({
    ...pageOfAnswer(tables, { ...query, sort }, {
      total: ({ totalBytes }) => totalBytes,
      rows: ({ rows }) => rows,
      sequentialScans: ({ activity }) => activity?.sequentialScans,
      indexScans: ({ activity }) => activity?.indexScans,
      inserts: ({ activity }) => activity?.inserts,
      updates: ({ activity }) => activity?.updates,
      deletes: ({ activity }) => activity?.deletes,
      deadRows: ({ activity }) => activity?.deadRows
    }),
    unavailableParts: unavailableParts({ activity })
  } satisfies Tables))

export const tables = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/tables", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(TablesQuery),
    response: { 200: Contract.response(Tables) },
    detail: only("viewer", "database:read", {
      summary: "Tables, their sizes and what happens to them",
      description:
        "The largest first: how each is read, what is written to it, and when it was last vacuumed and analysed.",
      tags: ["database"]
    })
  })
