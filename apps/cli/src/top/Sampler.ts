/** Looks at the server again and again, and says what happened in between. Over one connection of its own. */
import { topSampler } from "@ems/db-core/catalog/TopReport"
import { DbConfig } from "@ems/db-core/config/DbConfig"
import { Pool } from "@ems/db-core/connection/Pool"
import type { DbError } from "@ems/db-core/errors/DbError"
import { Top } from "@ems/schema/contract/Top"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Api } from "../api/Api.ts"
import type { ApiError } from "../api/ApiError.ts"
import { ratesOf } from "./Rates.ts"

/** A look takes no longer, at the server neither. Milliseconds. */
const patience = 5000

/** The configuration of the environment, made small: a view must not be part of what it shows. */
export const layerConfig = Layer.effect(
  DbConfig,
  Effect.map(DbConfig, (config) => ({
    ...config,
    applicationName: "emsdb",
    poolMax: 1,
    // Longer than between two looks, or each would open a connection.
    poolIdleTimeout: 180_000,
    queryTimeout: Math.min(config.queryTimeout, patience),
    // Whoever leaves does not wait for a server that is gone.
    drainTimeout: 0,
    cacheFeed: "none" as const,
    redisUrl: undefined
  }))
).pipe(Layer.provide(DbConfig.layer))

/** One look; what it fails with says why in one line. */
export type Look = Effect.Effect<Top, ApiError | DbError>

type Seen = Omit<Top, "rates">

/** Rates are of the time since the look before. */
const withRates = <E, R>(look: Effect.Effect<Seen, E, R>): Effect.Effect<Top, E, R> => {
  let before: Seen | undefined
  return Effect.map(look, (now) => {
    const rates = ratesOf(now, before)
    before = now
    return { ...now, rates }
  })
}

/** Connects, and looks when it is told to. */
export const ofDatabase = Effect.gen(function*() {
  // An embedded database and a suspended compute take seconds to begin: longer than a look may.
  yield* Pool.use((pool) => pool.shared(() => Effect.void))
  const look = yield* topSampler
  // The pool of this process is nobody's concern.
  return withRates(Effect.map(look, (sample) => ({ ...sample, pool: null })))
})

export const ofApi = ({ ask }: Api) => withRates(ask(Top, { path: "api/db/top" }))
