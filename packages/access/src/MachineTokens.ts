/** Tokens for machines: no password, no session, narrowed to what the machine does. Kept as hashes. */
import { isoInstant } from "@ems/db-core/catalog/ServerFacts"
import { Database } from "@ems/db-core/connection/Database"
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import { sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AccessError, installed } from "./AccessError.ts"
import { machineToken } from "./accessSql.ts"
import { KnownPrincipals } from "./KnownPrincipals.ts"
import { type Role, type Scope, scopesOf } from "./Role.ts"
import * as TokenText from "./TokenText.ts"

export interface NewMachineToken {
  /** A letter, then up to 62 letters, digits, `.`, `_`, `-`. Of no other token that is not revoked. */
  readonly name: string
  readonly role: Role
  /** At most what the role may, which is the default. */
  readonly scopes?: ReadonlyArray<Scope> | undefined
  /** Default: never. */
  readonly expiresAt?: Date | undefined
  /** `Principal.id` of whoever makes it. */
  readonly createdBy?: string | undefined
}

export interface MachineToken {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly scopes: ReadonlyArray<Scope>
  readonly createdBy: string | null
  /** ISO instants. */
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly revokedAt: string | null
  /** To the minute. */
  readonly lastUsedAt: string | null
}

type Failure = AccessError | DbError

export class MachineTokens extends Context.Service<MachineTokens, {
  /** `token` is not kept: nobody can show it again. Fails with `InvalidInput`. */
  readonly create: (token: NewMachineToken) => Effect.Effect<{ readonly id: string; readonly token: string }, Failure>
  /** The last 1000, revoked and expired ones too, the latest first. */
  readonly list: Effect.Effect<ReadonlyArray<MachineToken>, Failure>
  /** By id or name. Fails with `UnknownToken`, also for one that is revoked already. */
  readonly revoke: (idOrName: string) => Effect.Effect<void, Failure>
}>()("@ems/access/MachineTokens") {
  static readonly layerNoDeps = () => Layer.effect(MachineTokens, make)
}

const taken = AccessError.input("name", "a name that no other token has")

const table = sql.raw(machineToken)

const rowsOf = sql.raw(`select id::text as id, name, role, array_to_json(scopes) as scopes, created_by as "createdBy",
  ${isoInstant("created_at")} as "createdAt", ${isoInstant("expires_at")} as "expiresAt",
  ${isoInstant("revoked_at")} as "revokedAt", ${isoInstant("last_used_at")} as "lastUsedAt"
from ${machineToken} order by machine_token.id desc limit 1000`)

const make = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const database = yield* Database
  const known = yield* KnownPrincipals
  const secureRandom = yield* SecureRandom

  return {
    create: Effect.fn("MachineTokens.create")(function*({ createdBy, expiresAt, name, role, scopes }) {
      if (!/^[A-Za-z][A-Za-z0-9._-]{0,62}$/.test(name)) {
        return yield* AccessError.input("name", "a letter, then up to 62 letters, digits and . _ -")
      }
      const allowed = scopesOf(role)
      if (scopes !== undefined && (scopes.length === 0 || !scopes.every((scope) => allowed.has(scope)))) {
        return yield* AccessError.input("scopes", `some of ${[...allowed].join(", ")} for the role ${role}`)
      }
      // Also not true of an invalid date.
      if (expiresAt !== undefined && !(expiresAt.getTime() > clock.currentTimeMillisUnsafe())) {
        return yield* AccessError.input("expiresAt", "an instant that is to come")
      }
      const token = yield* TokenText.machine(secureRandom)
      const { rows: [row] } = yield* database.write((db) =>
        db.execute<{ id: string }>(sql`
insert into ${table} (name, token_hash, role, scopes, created_by, expires_at) values (
  ${name}::text, ${TokenText.hashOf(token)}::text, ${role}::text,
  array(select json_array_elements_text(${JSON.stringify([...new Set(scopes ?? allowed)])}::text::json)),
  ${createdBy ?? null}::text, ${expiresAt?.toISOString() ?? null}::text::timestamptz
) returning id::text as id`)
      ).pipe(
        Effect.mapError((error) => isDbError(error) && error.reason._tag === "UniqueViolation" ? taken : error)
      )
      return row === undefined
        ? yield* Effect.die(new Error("INSERT … RETURNING gave no row"))
        : { id: row.id, token }
    }, installed),
    list: Effect.map(
      installed(database.query((db) => db.execute<MachineToken & Record<string, unknown>>(rowsOf))),
      ({ rows }) => rows
    ),
    revoke: Effect.fn("MachineTokens.revoke")(function*(idOrName) {
      const unknown = AccessError.of({ _tag: "UnknownToken" })
      if (!/^[\w.-]{1,63}$/.test(idOrName)) return yield* unknown
      // A name begins with a letter, so that the two cannot be confused.
      const which = sql`(id::text = ${idOrName}::text or name = ${idOrName}::text) and revoked_at is null`
      const { rows: [found] } = yield* database.query((db) =>
        db.execute<{ id: string }>(sql`select id::text as id from ${table} where ${which}`)
      )
      if (found === undefined) return yield* unknown
      const { rows: { length } } = yield* database.write((db) =>
        db.execute(sql`
update ${table} set revoked_at = clock_timestamp() where id::text = ${found.id}::text and revoked_at is null
returning id`)
      ).pipe(Effect.ensuring(known.forget(({ id }) => id === `token:${found.id}`)))
      if (length === 0) return yield* unknown
    }, installed)
  } satisfies MachineTokens["Service"]
})
