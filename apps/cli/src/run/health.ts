import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { report } from "@ems/db-core/connection/HealthReport"
import { Pool } from "@ems/db-core/connection/Pool"
import { Health, HealthStatusOnly } from "@ems/schema/contract/Health"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Api } from "../api/Api.ts"
import { Findings } from "../Findings.ts"
import { count, duration, print } from "../Output.ts"
import { either, type SourceFlags } from "./Source.ts"

/** An API tells those who are not logged in the status alone. */
const Answer = Schema.Union([Health, HealthStatusOnly])
type Answer = typeof Answer.Type

const lines = (health: Answer): ReadonlyArray<string> => {
  if (!("database" in health)) return [`${health.status}; EMS_API_TOKEN lets the API say more`]
  const { database, message, performance, status } = health
  return [
    `${status}: ${message}`,
    `answer: ${database.connection === "connected" ? `within ${duration(performance.responseTimeMs)}` : "none"}`,
    `connections: ${database.connectionCount} of ${performance.pool.max} open, ${performance.pool.waiting} waiting`,
    `errors: ${count(database.errorCount, "connection failure")}`
  ]
}

/** Why, in words that are for the operator of the database alone. */
interface Checked {
  readonly health: Answer
  readonly lastError: string | undefined
}

const check = Effect.gen(function*() {
  const { check } = yield* HealthCheck
  const pool = yield* Pool
  // The probe is for a process that is connected, and short. Opening may take as long as `DbConfig.connectTimeout`: an
  // embedded database needs seconds on a busy machine, a suspended compute as well. What it fails with, the probe meets.
  yield* Effect.ignore(pool.shared(() => Effect.void))
  const checked = yield* check
  const health = yield* report(checked)
  return { health, lastError: checked.lastError }
})

/** Unhealthy is an answer too. */
const asked = ({ ask }: Api) =>
  Effect.map(ask(Answer, { path: "api/db/health", accepts: [503] }), (health) => ({ health, lastError: undefined }))

interface HealthFlags extends SourceFlags {
  readonly json: boolean
}

export const runHealth = Effect.fn("emsdb.health")(function*({ json, ...source }: HealthFlags) {
  const { health, lastError }: Checked = yield* either(source, asked, check)
  yield* print(Answer, health, { json, lines: lines(health) })
  if (health.status === "healthy") return
  return yield* health.status === "degraded"
    ? new Findings({ verdict: "findings" })
    : new Findings({ verdict: "unusable", text: lastError ?? ("message" in health ? health.message : "unhealthy") })
})
