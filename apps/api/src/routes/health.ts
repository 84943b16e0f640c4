/** `GET /api/db/health`: can the database be used. For people, monitors and load balancers. */
import { type Health as Observed, HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { Health } from "@ems/schema/contract/Health"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { Elysia, status } from "elysia"
import * as Contract from "../http/Contract.ts"
import type { Runtime } from "../Runtime.ts"

const messages: { readonly [Status in Health["status"]]: string } = {
  healthy: "The database answers.",
  degraded: "The database answers, and requests wait for a connection to it.",
  unhealthy: "The database does not answer."
}

const toContract = (observed: Observed, now: DateTime.DateTime): Health => ({
  status: observed.status,
  timestamp: DateTime.formatIso(now),
  database: {
    connection: observed.isConnected ? "connected" : "disconnected",
    lastHealthCheck: observed.lastAnswerAt === undefined
      ? null
      : DateTime.formatIso(DateTime.makeUnsafe(observed.lastAnswerAt)),
    connectionCount: observed.pool.total,
    errorCount: observed.errorCount
  },
  performance: {
    responseTimeMs: observed.responseTimeMs,
    pool: {
      max: observed.pool.max,
      acquired: observed.pool.acquired + observed.pool.shared,
      idle: observed.pool.idle,
      waiting: observed.pool.waiting
    }
  },
  message: messages[observed.status]
})

const check = Effect.gen(function*() {
  const observed = yield* HealthCheck.use((health) => health.check)
  // The client is told that it does not answer; why is for the operator.
  if (observed.status === "unhealthy") {
    yield* Effect.logWarning(`database unhealthy: ${observed.lastError ?? "unknown"}`)
  }
  const health = toContract(observed, yield* DateTime.now)
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
