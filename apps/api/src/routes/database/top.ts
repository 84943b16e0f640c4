/** `GET /api/db/top`: the server and who works in it now, and the pool of this process. */
import { topSampler } from "@ems/db-core/catalog/TopReport"
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { report } from "@ems/db-core/connection/HealthReport"
import { noRates, Top } from "@ems/schema/contract/Top"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

const look = Effect.gen(function*() {
  const sample = yield* yield* topSampler
  const { performance } = yield* report(yield* HealthCheck.use(({ current }) => current))
  return { ...sample, rates: noRates, pool: performance.pool } satisfies Top
})

export const top = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/top", ({ request }) => respond(look, request), {
    response: { 200: Contract.response(Top) },
    detail: only("viewer", "database:read", {
      summary: "Who works in the server now",
      description: "Connections, waits, who holds up whom, and the sessions at work, without values; and the pool of " +
        "this process. Two answers' counters make the rates that emsdb top --api shows.",
      tags: ["activity"]
    })
  })
