import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { report } from "@ems/db-core/connection/HealthReport"
import { Pool } from "@ems/db-core/connection/Pool"
import { Health } from "@ems/schema/contract/Health"
import * as Effect from "effect/Effect"
import { Findings } from "../Findings.ts"
import { count, duration, print } from "../Output.ts"
import { withDatabase } from "./Db.ts"

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
  const health: Health = yield* report(checked)
  yield* print(Health, health, { json: options.json, lines: healthLines(health) })
  if (checked.status === "healthy") return
  return yield* checked.status === "degraded"
    ? new Findings({ verdict: "findings" })
    : new Findings({ verdict: "unusable", text: checked.lastError ?? health.message })
}, withDatabase)
