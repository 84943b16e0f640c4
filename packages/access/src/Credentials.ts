/** What the database says of a credential, now. Remembers nothing: `Authentication` does. */
import { Database } from "@ems/db-core/connection/Database"
import type { DbError } from "@ems/db-core/errors/DbError"
import { adminUsers, refreshTokens } from "@ems/schema"
import { and, eq, isNull, sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AccessError, installed } from "./AccessError.ts"
import { machineToken } from "./accessSql.ts"
import { AccessTokens } from "./AccessTokens.ts"
import type { Principal } from "./Principal.ts"
import { type Role, type Scope, scopesOf } from "./Role.ts"
import * as TokenText from "./TokenText.ts"

export interface Checked {
  readonly principal: Principal
  /** Until when it is good. Milliseconds of this process's clock; `Infinity` for never. */
  readonly expiresAt: number
}

export class Credentials extends Context.Service<Credentials, {
  /** Fails with `InvalidToken`. `timeout` in milliseconds, by default that of every query. */
  readonly check: (bearer: string, timeout?: number) => Effect.Effect<Checked, AccessError | DbError>
}>()("@ems/access/Credentials") {
  static readonly layerNoDeps = () => Layer.effect(Credentials, make)
}

interface MachineTokenRow extends Record<string, unknown> {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly scopes: ReadonlyArray<Scope>
  readonly isRevoked: boolean
  /** Until it expires, by the database's clock. Milliseconds; null for never. */
  readonly left: number | null
  /** When it was last used is kept to the minute: a write for every request would cost more than it tells. */
  readonly isUseOld: boolean
}

const tokens = sql.raw(machineToken)

const make = Effect.gen(function*() {
  const accessTokens = yield* AccessTokens
  const clock = yield* Clock.Clock
  const database = yield* Database
  const scope = yield* Effect.scope

  const touch = (id: string) =>
    database.query((db) =>
      db.execute(sql`
update ${tokens} set last_used_at = clock_timestamp() where id = ${id}::text::bigint`)
    ).pipe(Effect.ignore, Effect.forkIn(scope))

  const machine = (token: string, limit: { readonly timeout?: number }) =>
    Effect.gen(function*() {
      if (!TokenText.isMachine(token)) return yield* AccessError.token("malformed")
      const { rows: [row] } = yield* installed(database.query((db) =>
        db.execute<MachineTokenRow>(sql`
select id::text as id, name, role, array_to_json(scopes) as scopes, revoked_at is not null as "isRevoked",
  (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as left,
  last_used_at is null or last_used_at < clock_timestamp() - interval '1 minute' as "isUseOld"
from ${tokens} where token_hash = ${TokenText.hashOf(token)}::text`), limit)).pipe(
          // Without the table nobody has issued one.
          Effect.catchReason("AccessError", "NotInstalled", () => AccessError.token("unknown"))
        )
      if (row === undefined) return yield* AccessError.token("unknown")
      if (row.isRevoked) return yield* AccessError.token("revoked")
      if (row.left !== null && row.left <= 0) return yield* AccessError.token("expired")
      if (row.isUseOld) yield* touch(row.id)
      const allowed = scopesOf(row.role)
      return {
        principal: {
          kind: "token",
          id: `token:${row.id}`,
          name: row.name,
          role: row.role,
          scopes: new Set(row.scopes.filter((scope) => allowed.has(scope)))
        },
        expiresAt: row.left === null ? Number.POSITIVE_INFINITY : clock.currentTimeMillisUnsafe() + row.left
      } satisfies Checked
    })

  const user = (token: string, limit: { readonly timeout?: number }) =>
    Effect.gen(function*() {
      const { accountId, expiresAt, sessionId } = yield* accessTokens.verify(token)
      const [row] = yield* installed(database.query((db) =>
        db.select({ email: adminUsers.email, role: adminUsers.role }).from(adminUsers).where(and(
          eq(adminUsers.id, accountId),
          sql`exists (${
            db.select({ one: sql`1` }).from(refreshTokens).where(and(
              eq(refreshTokens.familyId, sessionId),
              eq(refreshTokens.adminUserId, accountId),
              isNull(refreshTokens.revokedAt)
            ))
          })`
        )), limit))
      if (row === undefined) {
        return yield* AccessError.token("revoked")
      }
      return {
        principal: {
          kind: "user",
          id: `user:${accountId}`,
          name: row.email,
          role: row.role,
          scopes: scopesOf(row.role),
          sessionId
        },
        expiresAt
      } satisfies Checked
    })

  return {
    check: (bearer, timeout) => {
      const limit = timeout === undefined ? {} : { timeout }
      return TokenText.looksLikeMachine(bearer) ? machine(bearer, limit) : user(bearer, limit)
    }
  } satisfies Credentials["Service"]
})
