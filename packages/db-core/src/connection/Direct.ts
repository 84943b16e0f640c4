/**
 * Sessions past the pooler: for DDL, VACUUM, locks of a session, temporary tables, settings.
 *
 * Their number is bounded, so that the server never sees more than `poolMax` of the pool, one for `use` and three for
 * `open`.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Capabilities } from "../driver/Capabilities.ts"
import type { Driver } from "../driver/Driver.ts"
import { LaneChoice } from "../driver/Lane.ts"
import type { Session } from "../driver/Session.ts"
import type { Lanes, Statements } from "../driver/Statements.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"

/** Sessions of `open` at once: one that holds a lock and watches, and two that work. */
const mostOpen = 3

export interface Direct {
  /** Lends statements that all run on one session. Waits while somebody else has it. */
  readonly use: <A, E, R>(
    body: (statements: Statements) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | DbError, R>
  /**
   * A session alone until the scope closes, whose statements no hook hears of; interrupting one cancels it at the
   * server. At most three at once, the next one waits. Its `statement_timeout` is the pool's: whoever works for longer
   * sets another. The one session of an embedded database is lent, and the pool waits for it meanwhile.
   */
  readonly open: Effect.Effect<WireConnection, DbError, Scope.Scope>
}

export const make = (
  driver: Driver["Service"],
  pool: Pick<Lanes, "lease">,
  statementsOn: (lanes: Lanes, capabilities: Capabilities) => Statements
): Direct => {
  const oneAtATime = Semaphore.makeUnsafe(1)
  const fewAtATime = Semaphore.makeUnsafe(mostOpen)
  const own = Effect.acquireRelease(driver.direct("maintenance"), (session) => session.close)
  // The one session of an embedded database is the pool's.
  const session = driver.capabilities.maxSessions === 1 ? pool.lease : own
  const statementsOf = (session: Session): Statements =>
    statementsOn({ shared: (use) => use(session), lease: Effect.succeed(session) }, driver.directCapabilities)
  return {
    use: (body) =>
      oneAtATime.withPermit(
        Effect.scoped(Effect.flatMap(session, (session) =>
          Effect.provideService(body(statementsOf(session)), LaneChoice, "exclusive")))
      ),
    open: Effect.acquireRelease(fewAtATime.take(1), () => fewAtATime.release(1)).pipe(
      Effect.andThen(session),
      Effect.flatMap((session) => statementsOf(session).quiet)
    )
  }
}
