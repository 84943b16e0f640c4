/** `GET /api/db/status`: the database in one look. */
import { statusReport } from "@ems/db-core/maintenance/StatusReport"
import { Status } from "@ems/schema/contract/Status"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

/** It runs every check. Milliseconds. */
const timeout = 60_000

export const status = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/status", ({ request }) => respond(statusReport, request, { timeout }), {
    response: { 200: Contract.response(Status) },
    detail: only("viewer", "database:read", {
      summary: "The database in one look",
      description: "The server, sizes, connections, the oldest transaction, maintenance that runs, and how many " +
        "findings there are. The same as emsdb status --json.",
      tags: ["database"]
    })
  })
