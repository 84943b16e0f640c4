/** `GET /api/db/space`: what takes how much room, how fast it grows, and what of it would not be needed. */
import { spaceReport } from "@ems/db-core/catalog/SpaceReport"
import { Space, SpaceQuery } from "@ems/schema/contract/Space"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

export const space = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/space", ({ query, request }) => respond(spaceReport(query), request), {
    query: Contract.request(SpaceQuery),
    response: { 200: Contract.response(Space) },
    detail: only("viewer", "database:read", {
      summary: "What takes how much room",
      description:
        "The database and its tables, the largest first, with how fast they grow and what a rewrite would gain.",
      tags: ["database"]
    })
  })
