/** `GET /api/db/connections`: who has how many connections, and how many there may be. */
import { pageOfAnswer } from "@ems/db-core/catalog/AnswerPage"
import { rowsOf, unavailableParts } from "@ems/db-core/catalog/AnswerParts"
import { Catalog } from "@ems/db-core/catalog/Catalog"
import { connectionLimits, connections as groups } from "@ems/db-core/catalog/connections"
import { Connections, ConnectionsQuery } from "@ems/schema/contract/Connections"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

/** Of roles and databases, each may have one. */
const mostLimits = 200

const list = (query: typeof ConnectionsQuery.Type) =>
  Effect.gen(function*() {
    const { read } = yield* Catalog
    const answer = yield* read(groups)
    const limits = yield* read(connectionLimits)
    return {
      ...pageOfAnswer(answer, query, {
        count: ({ count }) => count,
        newest: ({ newestStateMs }) => newestStateMs,
        oldest: ({ oldestStateMs }) => oldestStateMs
      }),
      // The server's own before those of single roles and databases.
      limits: rowsOf(limits).toSorted((a, b) => Number(b.kind === "server") - Number(a.kind === "server"))
        .slice(0, mostLimits),
      unavailableParts: unavailableParts({ limits })
    } satisfies Connections
  })

export const connections = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/connections", ({ query, request }) => respond(list(query), request), {
    query: Contract.request(ConnectionsQuery),
    response: { 200: Contract.response(Connections) },
    detail: only("viewer", "database:read", {
      summary: "Connections and their limits",
      description: "By database, user, application and state, the most first; and what is allowed of them.",
      tags: ["database"]
    })
  })
