/** Tells of changes of this process's health that are more than a hiccup. Never touches the database. */
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { report } from "@ems/db-core/connection/HealthReport"
import type { HealthStatus } from "@ems/schema/contract/Health"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Delivery } from "./Delivery.ts"

/** Between two looks. */
const interval = "1 second"

/** A change that does not last so long is not told, unless the database is down. Milliseconds. */
const lasting = 10_000

/** Looks until its scope ends. */
export const watch = Effect.fnUntraced(function*({ send }: Delivery, instance: string) {
  const health = yield* HealthCheck
  let told: HealthStatus | undefined
  let seen: { readonly status: HealthStatus; readonly since: number } | undefined

  const look = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const current = yield* health.current
    // At its start and at its end a process says nothing about the database.
    if (current.state === "starting" || current.state === "draining") return
    const { state, status } = current
    if (seen?.status !== status) seen = { status, since: now }
    // Nobody wants to hear that all is well, unless it was not.
    if (told === undefined && status === "healthy") told = status
    if (status === told || (state !== "down" && now - seen.since < lasting)) return
    const { message } = yield* report(current)
    yield* send({
      notification: {
        event: "health",
        at: DateTime.formatIso(DateTime.makeUnsafe(now)),
        instance,
        health: {
          from: told ?? null,
          to: status,
          since: DateTime.formatIso(DateTime.makeUnsafe(seen.since)),
          message
        }
      }
    })
    told = status
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(interval))))
})
