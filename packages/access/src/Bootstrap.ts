/**
 * The first admin, where there is no account yet: whoever holds a token that the program printed makes it. The token is
 * kept as a hash in the memory of the process that issued it, so that there is nothing to steal from the database.
 */
import { Database } from "@ems/db-core/connection/Database"
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import { adminUsers } from "@ems/schema"
import { sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { timingSafeEqual } from "node:crypto"
import { AccessError, installed } from "./AccessError.ts"
import { type Account, accountOf, columns } from "./AccountRow.ts"
import { Accounts, refusal } from "./Accounts.ts"
import * as Email from "./Email.ts"
import { Passwords } from "./Passwords.ts"
import * as TokenText from "./TokenText.ts"

/** Milliseconds. */
const life = 3_600_000

type Failure = AccessError | DbError

export class Bootstrap extends Context.Service<Bootstrap, {
  /** A token for one hour; one that was issued before is void. Fails with `AccountExists` when there is any account. */
  readonly issue: Effect.Effect<string, Failure>
  /**
   * Makes the first admin, once. Fails with `InvalidToken`; with `AccountExists` when there is an account meanwhile; with
   * `InvalidInput`, `WeakPassword` or `Overloaded`, after which the token is still good.
   */
  readonly redeem: (
    token: string,
    account: { readonly email: string; readonly password: Redacted.Redacted }
  ) => Effect.Effect<Account, Failure>
}>()("@ems/access/Bootstrap") {
  static readonly layerNoDeps = () => Layer.effect(Bootstrap, make)
}

const exists = AccessError.of({ _tag: "AccountExists" })

const make = Effect.gen(function*() {
  const accounts = yield* Accounts
  const clock = yield* Clock.Clock
  const database = yield* Database
  const passwords = yield* Passwords
  const secureRandom = yield* SecureRandom
  /** Compared with where none was issued: that must not be told by the time it takes. */
  const nobodys = TokenText.hashOf(yield* TokenText.random(secureRandom))
  let issued: { readonly hash: string; readonly expiresAt: number } | undefined

  const check = (token: string) =>
    Effect.suspend(() => {
      const isIssued = timingSafeEqual(
        Buffer.from(TokenText.hashOf(token)),
        Buffer.from(issued?.hash ?? nobodys)
      )
      if (!isIssued || issued === undefined) return Effect.fail(AccessError.token("unknown"))
      return clock.currentTimeMillisUnsafe() < issued.expiresAt
        ? Effect.void
        : Effect.fail(AccessError.token("expired"))
    })

  return {
    issue: Effect.gen(function*() {
      if ((yield* accounts.count) > 0) return yield* exists
      const token = yield* TokenText.random(secureRandom)
      issued = { hash: TokenText.hashOf(token), expiresAt: clock.currentTimeMillisUnsafe() + life }
      return token
    }),
    redeem: Effect.fn("Bootstrap.redeem")(function*(token, { email: given, password }) {
      yield* check(token)
      const email = yield* Email.decode(given)
      const passwordHash = yield* passwords.hash(password, email)
      const account = yield* database.transaction((tx) =>
        Effect.gen(function*() {
          // Others who insert wait for this transaction: of several first admins one is the first.
          yield* tx.execute(sql`lock table ${adminUsers} in share row exclusive mode`)
          if ((yield* tx.$count(adminUsers)) > 0) return yield* exists
          const [row] = yield* tx.insert(adminUsers).values({ email, passwordHash, role: "admin" }).returning(columns)
          return row === undefined ? yield* Effect.die(new Error("INSERT … RETURNING gave no row")) : accountOf(row)
        }), { retry: true }).pipe(
          Effect.mapError((error) => isDbError(error) ? refusal(error) : error)
        )
      issued = undefined
      return account
    }, installed)
  } satisfies Bootstrap["Service"]
})
