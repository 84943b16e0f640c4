/**
 * A session of its own, past the pooler: for DDL, VACUUM, locks of a session, temporary tables, settings.
 *
 * One at a time, so that with `poolMax` of the pool the server never sees more than `poolMax` and one for maintenance.
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Capabilities } from "../driver/Capabilities.ts"
import type { Driver } from "../driver/Driver.ts"
import { LaneChoice } from "../driver/Lane.ts"
import type { Lanes, Statements } from "../driver/Statements.ts"
import type { DbError } from "../errors/DbError.ts"

export interface Direct {
  /** Lends statements that all run on one session. Waits while somebody else has it. */
  readonly use: <A, E, R>(
    body: (statements: Statements) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | DbError, R>
}

export const make = (
  driver: Driver["Service"],
  pool: Pick<Lanes, "lease">,
  statementsOn: (lanes: Lanes, capabilities: Capabilities) => Statements
): Direct => {
  const oneAtATime = Semaphore.makeUnsafe(1)
  const own = Effect.acquireRelease(driver.direct("maintenance"), (session) => session.close)
  // The one session of an embedded database is the pool's.
  const session = driver.capabilities.maxSessions === 1 ? pool.lease : own
  return {
    use: (body) =>
      oneAtATime.withPermit(Effect.scoped(Effect.flatMap(session, (session) => {
        const lanes: Lanes = { shared: (use) => use(session), lease: Effect.succeed(session) }
        return Effect.provideService(body(statementsOn(lanes, driver.directCapabilities)), LaneChoice, "exclusive")
      })))
  }
}
