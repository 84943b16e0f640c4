/** `GET /api/db/health` and `emsdb health --json`: can the database be used, and how busy is the way to it. */
import * as Schema from "effect/Schema"
import { Count, IsoInstant, Milliseconds, Text } from "./Scalars.ts"

/** `degraded`: queries are answered, and something needs attention. `unhealthy`: queries are not answered. */
export const HealthStatus = Schema.Literals(["healthy", "degraded", "unhealthy"])
export type HealthStatus = typeof HealthStatus.Type

export const Health = Schema.Struct({
  status: HealthStatus,
  /** When this answer was made. */
  timestamp: IsoInstant,
  database: Schema.Struct({
    connection: Schema.Literals(["connected", "disconnected"]),
    /** When the database last answered a probe; null before the first. */
    lastHealthCheck: Schema.NullOr(IsoInstant),
    /** Connections open to the database now. */
    connectionCount: Count,
    /** Probes and connection attempts that failed since the process began. */
    errorCount: Count
  }),
  performance: Schema.Struct({
    /** Round trip of the last probe. */
    responseTimeMs: Milliseconds,
    pool: Schema.Struct({
      /** Connections the pool may open, at least 1. */
      max: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
      /** Connections in use. */
      acquired: Count,
      /** Connections open and unused. */
      idle: Count,
      /** Callers waiting for a connection. */
      waiting: Count
    })
  }),
  /** The verdict in one sentence. Without addresses, names of users or text from the server. */
  message: Text
})
export type Health = typeof Health.Type

/** What `GET /api/db/health` tells those who are not logged in. */
export const HealthStatusOnly = Schema.Struct({
  status: HealthStatus,
  /** When this answer was made. */
  timestamp: IsoInstant
})
export type HealthStatusOnly = typeof HealthStatusOnly.Type
