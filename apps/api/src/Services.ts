/** What the routes need, and who provides it. */
import * as Access from "@ems/access/Access"
import { DbConfig } from "@ems/db-core/config/DbConfig"
import type { DbCore } from "@ems/db-core/DbCore"
import { EventCatalog } from "@ems/events/EventCatalog"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryStore from "./limits/MemoryStore.ts"
import { type LimitSettings, RateLimits } from "./limits/RateLimits.ts"
import { type InFlightSettings, RequestsInFlight } from "./limits/RequestsInFlight.ts"
import { HttpMetrics } from "./telemetry/HttpMetrics.ts"
import * as ProcessMetrics from "./telemetry/ProcessMetrics.ts"

export type Services = DbCore | Access.Access | EventCatalog | RateLimits | RequestsInFlight | HttpMetrics

export interface ServicesOptions {
  readonly limits: LimitSettings
  readonly inFlight: InFlightSettings
}

/** In Redis where there is one, so that several processes share them. Its client takes long to load. */
const counters = Layer.unwrap(
  Effect.flatMap(DbConfig, ({ redisUrl }) =>
    redisUrl === undefined
      ? Effect.succeed(MemoryStore.layer)
      : Effect.map(Effect.promise(() => import("./limits/SharedStore.ts")), ({ layer }) => layer(redisUrl)))
)

/** All but the data layer. */
export const layerNoDeps = ({ inFlight, limits }: ServicesOptions) =>
  Layer.mergeAll(
    Access.layer,
    EventCatalog.layerNoDeps,
    HttpMetrics.layer,
    ProcessMetrics.layer,
    RequestsInFlight.layer(inFlight),
    RateLimits.layerNoDeps(limits).pipe(Layer.provide(counters))
  )
