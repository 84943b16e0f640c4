/** `GET /api/db/vacuum`: which tables wait for VACUUM, who holds it up, and how far ids are from their end. */
import { vacuumReport } from "@ems/db-core/catalog/VacuumReport"
import { Vacuum, VacuumQuery } from "@ems/schema/contract/Vacuum"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

export const vacuum = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/vacuum", ({ query, request }) => respond(vacuumReport(query), request), {
    query: Contract.request(VacuumQuery),
    response: { 200: Contract.response(Vacuum) },
    detail: only("viewer", "database:read", {
      summary: "What waits for VACUUM, and what it waits for",
      description:
        "How far each table is from its next VACUUM and ANALYZE, who keeps dead rows from being removed, and " +
        "how far transaction ids are from the point where writes stop.",
      tags: ["database"]
    })
  })
