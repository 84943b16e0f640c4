/** `GET /livez` and `GET /readyz`: what an orchestrator asks, by status. Neither waits for a connection. */
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { Live, Ready } from "@ems/schema/contract/Probe"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { open } from "../http/Access.ts"
import * as Contract from "../http/Contract.ts"
import { Refused } from "../http/Failure.ts"
import type { Runtime } from "../Runtime.ts"

/** The database gets this long to say its first word. Milliseconds; who asks again finds what it said later. */
const patience = 25

/**
 * Where the database is believed to answer nothing is sent. Where it is not, a probe is begun: without one a process
 * that gets no work because it is not ready would never learn that it could do some.
 */
const readiness = Effect.gen(function*() {
  const health = yield* HealthCheck
  const known = yield* health.current
  // The probe goes on when nobody waits for it. While callers have every connection it would stand in their queue.
  if (known.pool.acquired < known.pool.max) yield* Effect.timeoutOption(health.check, patience)
  return yield* health.current
})

/** What is known and not good, and after how many seconds to ask again. */
const notReady = (state: string) =>
  new Refused({
    kind: state === "draining"
      ? { status: 503, reason: "Draining", detail: "This process is about to end.", headers: { "retry-after": "5" } }
      : {
        status: 503,
        reason: "DatabaseDown",
        detail: "The database does not answer.",
        headers: { "retry-after": "2" }
      }
  })

const ready = Effect.flatMap(
  readiness,
  ({ isReady, state }) => isReady ? Effect.succeed<Ready>({ status: "ready" }) : Effect.fail(notReady(state))
)

const live: Live = Object.freeze({ status: "live" })

export const probes = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia()
    .get("/livez", () => live, {
      response: { 200: Contract.response(Live) },
      detail: open({
        summary: "Whether the process serves",
        description: "200 for as long as it answers at all. Does not look at the database.",
        tags: ["server"]
      })
    })
    .get("/readyz", ({ request }) => respond(ready, request, { isProbe: true }), {
      response: { 200: Contract.response(Ready) },
      detail: open({
        summary: "Whether to send work to this process",
        description: "503 with Retry-After while the database does not answer, and from the moment the process is " +
          "told to end. Takes no connection from those who work.",
        tags: ["server"]
      })
    })
