/** `GET /api/db/tables`: how large each table is, how it is read, and what is written to it. */
import { tableReport } from "@ems/db-core/catalog/TableReport"
import { Tables, TablesQuery } from "@ems/schema/contract/Tables"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

export const tables = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/tables", ({ query, request }) => respond(tableReport(query), request), {
    query: Contract.request(TablesQuery),
    response: { 200: Contract.response(Tables) },
    detail: only("viewer", "database:read", {
      summary: "Tables, their sizes and what happens to them",
      description:
        "The largest first: how each is read, what is written to it, and when it was last vacuumed and analysed.",
      tags: ["database"]
    })
  })
