/** What is read of `admin_users`, and locked in it. */
import type { TransactionHandle } from "@ems/db-core/connection/Database"
import type { DbError } from "@ems/db-core/errors/DbError"
import { adminUsers, refreshTokens } from "@ems/schema"
import { and, type AnyRelations, eq, isNull, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Email from "./Email.ts"
import type { Role } from "./Role.ts"

export interface Account {
  readonly id: string
  readonly email: string
  readonly role: Role
  /** An ISO instant. */
  readonly createdAt: string
}

/** The columns of an account without its hash. */
export const columns = {
  id: adminUsers.id,
  email: adminUsers.email,
  role: adminUsers.role,
  createdAt: adminUsers.createdAt
}

export const accountOf = (
  row: { readonly id: bigint; readonly email: string; readonly role: Role; readonly createdAt: Date }
): Account => ({ ...row, id: String(row.id), createdAt: row.createdAt.toISOString() })

/** Which account `who` names: an id or an e-mail; `undefined` when it can be neither. */
export const whoIs = (who: string) => {
  if (/^[1-9]\d{0,17}$/.test(who)) return eq(adminUsers.id, BigInt(who))
  const email = Email.parse(who)
  return email === undefined ? undefined : eq(adminUsers.email, email)
}

type Tx = TransactionHandle<AnyRelations>

/**
 * Locks one account until the transaction ends. Whatever gives or takes sessions does this first: a revocation that did
 * not wait for a refresh under way would miss the token that it is about to insert.
 */
export const lock = (tx: Tx, id: bigint) =>
  Effect.map(
    tx.select({ ...columns, passwordHash: adminUsers.passwordHash }).from(adminUsers).where(eq(adminUsers.id, id))
      .for("no key update"),
    ([row]) => row
  )

/** Revokes every session of an account that is locked. */
export const revokeSessions = (tx: Tx, id: bigint): Effect.Effect<void, DbError> =>
  Effect.asVoid(
    tx.update(refreshTokens).set({ revokedAt: sql`clock_timestamp()` })
      .where(and(eq(refreshTokens.adminUserId, id), isNull(refreshTokens.revokedAt)))
  )
