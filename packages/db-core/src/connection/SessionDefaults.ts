/**
 * What the server lets a lone statement do on a connection: whether it may write, and for how long it may run. Set when
 * a connection changes lanes, or for a call with an unusual limit; a round trip each, kept until the next change.
 */
import * as Effect from "effect/Effect"
import { timeoutSetting } from "../driver/Budget.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"

const setAccess = { read: "SET default_transaction_read_only = on", write: "SET default_transaction_read_only = off" }

/** Makes the server enforce `access`, if it does not yet. Costs a round trip when a connection changes lanes. */
export const enforce = (
  connection: WireConnection,
  access: "read" | "write",
  until?: number
): Effect.Effect<void, DbError> =>
  Effect.suspend(() => {
    const { session } = connection
    if (session.access === access) return Effect.void
    // Until it is answered nobody may rely on either: a caller who goes away leaves it on its way.
    session.access = "unknown"
    return Effect.andThen(
      connection.execute("raw", setAccess[access], [], true, until),
      Effect.sync(() => {
        session.access = access
      })
    )
  })

/** Makes the server allow a statement as long as the call may take: `undefined` for the usual limit. */
export const allow = (
  connection: WireConnection,
  timeout: number | undefined,
  usual: number,
  until?: number
): Effect.Effect<void, DbError> =>
  Effect.suspend(() => {
    const { session } = connection
    if (session.statementTimeout === timeout) return Effect.void
    session.statementTimeout = "unknown"
    return Effect.andThen(
      connection.execute("raw", `SET statement_timeout = ${timeoutSetting(timeout ?? usual)}`, [], true, until),
      Effect.sync(() => {
        session.statementTimeout = timeout
      })
    )
  })
