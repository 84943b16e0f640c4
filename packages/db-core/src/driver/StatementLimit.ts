/**
 * Sees to it that the server ends a statement which nobody waits for any more.
 *
 * `statement_timeout` goes along when a connection is opened, but proxies drop startup parameters (Neon's does), so
 * the first connection is asked whether it is in force. Where it is not, it is set on every connection that keeps its
 * settings; a pooler does not keep them, and there the operator is told how the role can be given one.
 */
import * as Effect from "effect/Effect"
import type { DbError } from "../errors/DbError.ts"
import { fromCause } from "../errors/ServerError.ts"
import { timeoutSetting } from "./Budget.ts"
import type { Capabilities } from "./Capabilities.ts"
import type { Session } from "./Session.ts"

const current = "select setting from pg_settings where name = 'statement_timeout'"

const ask = (session: Session, sql: string) =>
  session.connection.query(sql, [], false).pipe(
    Effect.mapError((error) => fromCause(error, "ConnectFailed", "connect", { server: "NotSent", socket: "NotSent" })),
    // It is nobody's yet.
    Effect.onError(() => session.destroy)
  )

/** `connect`, and after it no statement of the session is longer than `limit` milliseconds, if that can be had. */
export const ensured = (
  connect: Effect.Effect<Session, DbError>,
  { sessionState }: Capabilities,
  limit: number
): Effect.Effect<Session, DbError> => {
  let isInForce: boolean | undefined
  const set = (session: Session) =>
    sessionState ? ask(session, `set statement_timeout = ${timeoutSetting(limit)}`) : Effect.void
  return Effect.tap(connect, (session) => {
    if (isInForce !== undefined) return isInForce ? Effect.void : set(session)
    return Effect.flatMap(ask(session, current), ({ rows: [row] }) => {
      const found = Number(row?.["setting"])
      isInForce = found > 0 && found <= timeoutSetting(limit)
      if (isInForce) return Effect.void
      return sessionState
        ? Effect.andThen(
          Effect.logWarning("statement_timeout given at connect is not in force; it is set on every connection"),
          set(session)
        )
        : Effect.logWarning(
          "statements have no time limit at the server behind this pooler; give the role one: " +
            `ALTER ROLE … SET statement_timeout = ${timeoutSetting(limit)}`
        )
    })
  })
}
