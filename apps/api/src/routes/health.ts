/** `GET /api/db/health`: can the database be used. For people, monitors and load balancers. */
import { DbConfig } from "@ems/db-core/config/DbConfig"
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { report } from "@ems/db-core/connection/HealthReport"
import { Health, HealthStatusOnly } from "@ems/schema/contract/Health"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Elysia, status } from "elysia"
import { optional } from "../http/Access.ts"
import * as Contract from "../http/Contract.ts"
import * as RequestInfo from "../http/RequestInfo.ts"
import type { Runtime } from "../Runtime.ts"

const Answer = Schema.Union([Health, HealthStatusOnly])

/** For those who may not see the rest. */
const statusOf = ({ status, timestamp }: Health): HealthStatusOnly => Object.freeze({ status, timestamp })

/** All of it, so that it is checked against its contract once. */
const frozen = (health: Health): Health => {
  for (const part of [health.database, health.performance, health.performance.pool, health]) Object.freeze(part)
  return health
}

/**
 * Where traffic has just shown that the database answers nothing has to be waited for; otherwise `undefined`. While
 * callers have every connection a probe would stand in their queue, and they find out what it would.
 */
const fresh: Effect.Effect<Health | undefined, never, HealthCheck | DbConfig> = Effect.gen(function*() {
  const { healthInterval } = yield* DbConfig
  const { current } = yield* HealthCheck
  const observed = yield* current
  const { acquired, max, waiting } = observed.pool
  const isBusy = observed.state === "degraded" && (waiting > 0 || acquired >= max)
  const age = (yield* Clock.currentTimeMillis) - (observed.lastAnswerAt ?? 0)
  return (observed.state === "healthy" || isBusy) && age < healthInterval ? yield* report(observed) : undefined
})

const check: Effect.Effect<Health, never, HealthCheck> = Effect.gen(function*() {
  const observed = yield* HealthCheck.use((health) => health.check)
  // The client is told that it does not answer; why is for the operator.
  if (observed.status === "unhealthy") {
    yield* Effect.logWarning(`database unhealthy: ${observed.lastError ?? "unknown"}`)
  }
  return yield* report(observed)
})

/** An answer for everybody who asks within one millisecond, which is as exactly as it says when it was made. */
interface Recent {
  readonly at: number
  readonly whole: Health
  readonly status: HealthStatusOnly
}

export const health = ({ now, respond }: Pick<Runtime, "now" | "respond">) => {
  let recent: Recent | undefined

  const known = (): Recent | undefined => {
    const at = now(Clock.currentTimeMillis)
    if (recent?.at === at) return recent
    const whole = now(fresh)
    return recent = whole && { at, whole: frozen(whole), status: statusOf(whole) }
  }

  return new Elysia().get("/api/db/health", ({ request }) => {
    const isKnown = RequestInfo.of(request).principal !== undefined
    const found = known()
    if (found !== undefined) return isKnown ? found.whole : found.status
    const answer = (health: Health) =>
      status(health.status === "unhealthy" ? 503 : 200, isKnown ? health : statusOf(health))
    return respond(Effect.map(check, answer), request, { isProbe: true })
  }, {
    response: { 200: Contract.response(Answer), 503: Contract.response(Answer) },
    detail: optional("viewer", "database:read", {
      summary: "Health of the database",
      description: "Whether the database answers: 200 when it does, 503 when it does not. Those who may read of the " +
        "database are told how busy the connections to it are.",
      tags: ["database"]
    })
  })
}
