/** `GET /api/db/indexes`: every index once, how it is used, and what speaks against it. */
import { indexReport } from "@ems/db-core/catalog/IndexReport"
import { Indexes, IndexesQuery } from "@ems/schema/contract/Indexes"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

export const indexes = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/indexes", ({ query, request }) => respond(indexReport(query), request), {
    query: Contract.request(IndexesQuery),
    response: { 200: Contract.response(Indexes) },
    detail: only("viewer", "database:read", {
      summary: "Indexes and what speaks against them",
      description:
        "Every index once, the largest first: its use, and whether it is unused, redundant, invalid or bloated.",
      tags: ["database"]
    })
  })
