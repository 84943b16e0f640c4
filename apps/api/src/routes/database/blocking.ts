/** `GET /api/db/blocking`: who waits for whose locks. */
import { blockingReport } from "@ems/db-core/catalog/BlockingReport"
import { Blocking, BlockingQuery } from "@ems/schema/contract/Blocking"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

export const blocking = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/blocking", ({ query, request }) => respond(blockingReport(query), request), {
    query: Contract.request(BlockingQuery),
    response: { 200: Contract.response(Blocking) },
    detail: only("viewer", "database:read", {
      summary: "Who waits for whose locks",
      description: "One tree for each session that others wait for and that itself waits for nobody.",
      tags: ["database"]
    })
  })
