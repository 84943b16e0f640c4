/** `GET /api/db/health`: can the database be used. For people, monitors and load balancers. */
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { report } from "@ems/db-core/connection/HealthReport"
import { Health } from "@ems/schema/contract/Health"
import * as Effect from "effect/Effect"
import { Elysia, status } from "elysia"
import * as Contract from "../http/Contract.ts"
import type { Runtime } from "../Runtime.ts"

const check = Effect.gen(function*() {
  const observed = yield* HealthCheck.use((health) => health.check)
  // The client is told that it does not answer; why is for the operator.
  if (observed.status === "unhealthy") {
    yield* Effect.logWarning(`database unhealthy: ${observed.lastError ?? "unknown"}`)
  }
  const health: Health = yield* report(observed)
  return health.status === "unhealthy" ? status(503, health) : status(200, health)
})

export const health = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().get("/api/db/health", ({ request }) => respond(check, request), {
    response: { 200: Contract.response(Health), 503: Contract.response(Health) },
    detail: {
      summary: "Health of the database",
      description: "Whether the database answers, and how busy the connections to it are. " +
        "200 when it answers, 503 when it does not.",
      tags: ["database"]
    }
  })
