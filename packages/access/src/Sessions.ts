/**
 * Sessions: what a login gives, how it is prolonged, and how it ends.
 *
 * A session is a family of refresh tokens, each good for one exchange. Who presents a used one is either a thief or was
 * robbed by one, and it cannot be told which: the whole family is revoked (RFC 9700, 4.14.2). Of several who present the
 * same token at once one wins, and the others end the session with it.
 */
import { Database } from "@ems/db-core/connection/Database"
import type { DbError } from "@ems/db-core/errors/DbError"
import { adminUsers, refreshTokens } from "@ems/schema"
import { and, eq, isNull, sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { AccessConfig } from "./AccessConfig.ts"
import { AccessError, installed } from "./AccessError.ts"
import { AccessTokens } from "./AccessTokens.ts"
import { lock } from "./AccountRow.ts"
import * as Email from "./Email.ts"
import { KnownPrincipals } from "./KnownPrincipals.ts"
import { Passwords } from "./Passwords.ts"
import type { Principal } from "./Principal.ts"
import { claim, issue, type Issued, revokeFamily } from "./refreshExchange.ts"
import { scopesOf } from "./Role.ts"
import * as TokenText from "./TokenText.ts"

export interface Session {
  readonly accessToken: string
  /** Of the access token. Seconds. */
  readonly expiresIn: number
  /** Good for one exchange. */
  readonly refreshToken: string
  /** An ISO instant. */
  readonly refreshExpiresAt: string
  readonly principal: Principal
}

type Failure = AccessError | DbError

export class Sessions extends Context.Service<Sessions, {
  /**
   * Fails with `InvalidCredentials`, in the same time whether or not there is such an account, and with `Overloaded`.
   */
  readonly login: (email: string, password: Redacted.Redacted) => Effect.Effect<Session, Failure>
  /**
   * Exchanges a refresh token for the next one. Fails with `InvalidToken`. Never again by itself with the same token:
   * after a `DbError` with the fate `Unknown` it may be used up, and a login is what helps.
   */
  readonly refresh: (refreshToken: string) => Effect.Effect<Session, Failure>
  /**
   * Ends the session of a refresh token, or the one with that id (`Principal.sessionId`). False: there was nothing to
   * end. An id is no secret, and so is not taken for a token.
   */
  readonly logout: (which: string | { readonly sessionId: string }) => Effect.Effect<boolean, Failure>
  /**
   * Removes the tokens of sessions in which none is good any more, the oldest 10,000 at most; ends with how many. A
   * login does it by itself, at most once an hour.
   */
  readonly sweep: Effect.Effect<number, Failure>
}>()("@ems/access/Sessions") {
  static readonly layerNoDeps = () => Layer.effect(Sessions, make)
}

const invalid = AccessError.of({ _tag: "InvalidCredentials" })

/** Milliseconds. */
const sweepInterval = 3_600_000

/** A token that was used stays as long as its session may: reuse could not be told from a guess without it. */
const expired = sql`delete from ${refreshTokens} where id in (
  select old.id from ${refreshTokens} old where old.expires_at < now() and not exists (
    select from ${refreshTokens} other where other.family_id = old.family_id and other.expires_at >= now()
  ) order by old.expires_at limit 10000
) returning id`

const isSessionId = (text: string): boolean => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(text)

const make = Effect.gen(function*() {
  const lives = yield* AccessConfig
  const accessTokens = yield* AccessTokens
  const clock = yield* Clock.Clock
  const database = yield* Database
  const known = yield* KnownPrincipals
  const passwords = yield* Passwords
  const scope = yield* Effect.scope
  const secureRandom = yield* SecureRandom
  let sweptAt = Number.NEGATIVE_INFINITY

  const sessionOf = (refreshToken: string, { account, expiresAt, familyId }: Issued): Effect.Effect<Session> =>
    Effect.map(
      accessTokens.sign({ accountId: account.id, sessionId: familyId, role: account.role }),
      (accessToken) => ({
        accessToken,
        expiresIn: accessTokens.life,
        refreshToken,
        refreshExpiresAt: expiresAt.toISOString(),
        principal: {
          kind: "user",
          id: `user:${account.id}`,
          name: account.email,
          role: account.role,
          scopes: scopesOf(account.role),
          sessionId: familyId
        }
      })
    )

  const forget = (familyId: string) => known.forget(({ sessionId }) => sessionId === familyId)

  const sweep = Effect.map(
    installed(database.write((db) => db.execute(expired), { timeout: 60_000 })),
    ({ rows }) => rows.length
  )

  const sweepSometimes = Effect.suspend(() => {
    const now = clock.currentTimeMillisUnsafe()
    if (now - sweptAt < sweepInterval) return Effect.void
    sweptAt = now
    // The next one finds what is left.
    return sweep.pipe(
      Effect.tapError((error) => Effect.logDebug("old refresh tokens were not removed", error.message)),
      Effect.ignore,
      Effect.forkIn(scope)
    )
  })

  return {
    login: Effect.fn("Sessions.login")(function*(given, password) {
      const email = Email.parse(given)
      const [found] = email === undefined
        ? []
        : yield* database.query((db) =>
          db.select({ id: adminUsers.id, passwordHash: adminUsers.passwordHash }).from(adminUsers)
            .where(eq(adminUsers.email, email))
        )
      const { isRight, rehashed } = yield* passwords.verify(password, found?.passwordHash)
      if (!isRight || found === undefined) return yield* invalid
      const refreshToken = yield* TokenText.random(secureRandom)
      const familyId = yield* secureRandom.uuidV4()
      const issued = yield* database.transaction((tx) =>
        Effect.gen(function*() {
          const account = yield* lock(tx, found.id)
          // The password was changed while it was being compared: the sessions of the old one are revoked already.
          if (account === undefined || account.passwordHash !== found.passwordHash) return yield* invalid
          if (rehashed !== undefined) {
            yield* tx.update(adminUsers).set({ passwordHash: rehashed }).where(eq(adminUsers.id, found.id))
          }
          return yield* issue(tx, account, familyId, TokenText.hashOf(refreshToken), lives)
        }), { retry: true })
      if (issued === undefined) return yield* Effect.die(new Error("a new session has no token"))
      yield* sweepSometimes
      return yield* sessionOf(refreshToken, issued)
    }, installed),
    refresh: Effect.fn("Sessions.refresh")(function*(refreshToken) {
      if (!TokenText.isRandom(refreshToken)) return yield* AccessError.token("malformed")
      const next = yield* TokenText.random(secureRandom)
      // Again only while it surely had no effect: a second exchange of the same token would end the session.
      const exchange = yield* database.transaction(
        (tx) => claim(tx, TokenText.hashOf(refreshToken), TokenText.hashOf(next), lives),
        { retry: true }
      )
      if (exchange._tag === "Issued") return yield* sessionOf(next, exchange)
      if (exchange.why === "reused") {
        yield* forget(exchange.familyId)
        yield* Effect.logWarning("a refresh token was presented again: its session is revoked").pipe(
          Effect.annotateLogs({ account: `user:${exchange.accountId}`, session: exchange.familyId })
        )
      }
      return yield* AccessError.token(exchange.why)
    }, installed),
    logout: Effect.fn("Sessions.logout")(function*(credential) {
      if (typeof credential !== "string" && !isSessionId(credential.sessionId)) return false
      const which = typeof credential === "string"
        ? eq(refreshTokens.tokenHash, TokenText.hashOf(credential))
        : eq(refreshTokens.familyId, credential.sessionId)
      const [found] = yield* database.query((db) =>
        db.select({ accountId: refreshTokens.adminUserId, familyId: refreshTokens.familyId }).from(refreshTokens)
          .where(and(which, isNull(refreshTokens.revokedAt))).limit(1)
      )
      if (found === undefined) return false
      return yield* database.transaction(
        (tx) => Effect.andThen(lock(tx, found.accountId), revokeFamily(tx, found.familyId)),
        { retry: true }
      ).pipe(
        Effect.ensuring(forget(found.familyId))
      )
    }, installed),
    sweep
  } satisfies Sessions["Service"]
})
