import { type Health as Checked, HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { Pool } from "@ems/db-core/connection/Pool"
import { Health } from "@ems/schema/contract/Health"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { Findings } from "../Findings.ts"
import { count, duration, print } from "../Output.ts"
import { withDatabase } from "./Db.ts"

const messages: Readonly<Record<Checked["status"], string>> = {
  healthy: "The database answers.",
  degraded: "The database answers, and callers wait for connections.",
  unhealthy: "The database does not answer."
}

const iso = (millis: number) => DateTime.formatIso(DateTime.makeUnsafe(millis))

const healthOf = (checked: Checked, now: DateTime.Utc): Health => ({
  status: checked.status,
  timestamp: DateTime.formatIso(now),
  database: {
    connection: checked.isConnected ? "connected" : "disconnected",
    lastHealthCheck: checked.lastAnswerAt === undefined ? null : iso(checked.lastAnswerAt),
    connectionCount: checked.pool.total,
    errorCount: checked.errorCount
  },
  performance: {
    responseTimeMs: checked.responseTimeMs,
    pool: {
      max: checked.pool.max,
      acquired: checked.pool.acquired + checked.pool.shared,
      idle: checked.pool.idle,
      waiting: checked.pool.waiting
    }
  },
  message: messages[checked.status]
})

const healthLines = ({ database, message, performance, status }: Health): ReadonlyArray<string> => [
  `${status}: ${message}`,
  `answer: ${database.connection === "connected" ? `within ${duration(performance.responseTimeMs)}` : "none"}`,
  `connections: ${database.connectionCount} of ${performance.pool.max} open, ${performance.pool.waiting} waiting`,
  `errors: ${count(database.errorCount, "connection failure")}`
]

export const runHealth = Effect.fn("emsdb.health")(function*(options: { readonly json: boolean }) {
  const { check } = yield* HealthCheck
  const pool = yield* Pool
  // The probe is for a process that is connected, and short. Opening may take as long as `DbConfig.connectTimeout`: an
  // embedded database needs seconds on a busy machine, a suspended compute as well. What it fails with, the probe meets.
  yield* Effect.ignore(pool.shared(() => Effect.void))
  const checked = yield* check
  const health = healthOf(checked, yield* DateTime.now)
  yield* print(Health, health, { json: options.json, lines: healthLines(health) })
  if (checked.status === "healthy") return
  return yield* checked.status === "degraded"
    ? new Findings({ verdict: "findings" })
    : new Findings({ verdict: "unusable", text: checked.lastError ?? messages.unhealthy })
}, withDatabase)
