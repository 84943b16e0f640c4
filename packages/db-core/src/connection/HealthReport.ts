/**
 * What the outside is told of the health: plain JSON in one shape for the API, the command line and monitors. Without
 * addresses, names of users or text from the server.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { State } from "./ConnectionState.ts"
import type { Health } from "./HealthCheck.ts"

export interface HealthReport {
  readonly status: Health["status"]
  /** When the report was made, in UTC. */
  readonly timestamp: string
  readonly database: {
    readonly connection: "connected" | "disconnected"
    /** When the database last answered; `null` before the first answer. */
    readonly lastHealthCheck: string | null
    /** Connections open now. */
    readonly connectionCount: number
    /** Connection failures since start. */
    readonly errorCount: number
  }
  readonly performance: {
    readonly responseTimeMs: number
    /** `acquired`: connections in use, shared ones included. */
    readonly pool: {
      readonly max: number
      readonly acquired: number
      readonly idle: number
      readonly waiting: number
    }
  }
  /** The verdict in one sentence. */
  readonly message: string
}

const messages: { readonly [S in State]: string } = {
  starting: "Nothing is known of the database yet.",
  healthy: "The database answers.",
  degraded: "The database answers, and callers wait for connections to it or lost one.",
  idle: "The database answered last, and nobody has asked it since.",
  waking: "The database is starting.",
  down: "The database does not answer.",
  draining: "This process is about to end."
}

export const report = (health: Health): Effect.Effect<HealthReport> =>
  Effect.map(DateTime.now, (now) => ({
    status: health.status,
    timestamp: DateTime.formatIso(now),
    database: {
      connection: health.isConnected ? "connected" : "disconnected",
      lastHealthCheck: health.lastAnswerAt === undefined
        ? null
        : DateTime.formatIso(DateTime.makeUnsafe(health.lastAnswerAt)),
      connectionCount: health.pool.total,
      errorCount: health.errorCount
    },
    performance: {
      responseTimeMs: health.responseTimeMs,
      pool: {
        max: health.pool.max,
        acquired: health.pool.acquired + health.pool.shared,
        idle: health.pool.idle,
        waiting: health.pool.waiting
      }
    },
    message: messages[health.state]
  }))
