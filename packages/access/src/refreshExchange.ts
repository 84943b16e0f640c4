/** One refresh token for the next, inside a transaction; all instants by the database's clock. */
import type { TransactionHandle } from "@ems/db-core/connection/Database"
import type { DbError } from "@ems/db-core/errors/DbError"
import { refreshTokens } from "@ems/schema"
import { and, type AnyRelations, eq, gt, isNull, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import type { AccessConfigShape } from "./AccessConfig.ts"
import type { TokenFault } from "./AccessError.ts"
import { lock } from "./AccountRow.ts"
import type { Role } from "./Role.ts"

type Tx = TransactionHandle<AnyRelations>
type Lives = Pick<AccessConfigShape, "refreshTokenLife" | "sessionLife">

interface Holder {
  readonly id: bigint
  readonly email: string
  readonly role: Role
}

export interface Issued {
  readonly _tag: "Issued"
  readonly account: Holder
  readonly familyId: string
  readonly expiresAt: Date
}

/** Committed all the same: a revocation must not be rolled back with the refusal. */
export interface Refused {
  readonly _tag: "Refused"
  readonly why: TokenFault
  readonly accountId: bigint
  readonly familyId: string
}

const now = sql`clock_timestamp()`
const seconds = (count: number) => sql`make_interval(secs => ${count}::text::float8)`

/**
 * A token of `familyId` for an account that is locked. `undefined` when the family has come to its end: it lives for
 * `sessionLife` from its first token, which stays in the table until then.
 */
export const issue = (
  tx: Tx,
  account: Holder,
  familyId: string,
  tokenHash: string,
  { refreshTokenLife, sessionLife }: Lives
): Effect.Effect<Issued | undefined, DbError> =>
  Effect.gen(function*() {
    const { rows: [end] } = yield* tx.execute<{ seconds: number }>(sql`
select least(${refreshTokenLife}::text::float8, extract(epoch from
  coalesce(min(${refreshTokens.createdAt}), now()) + ${seconds(sessionLife)} - now()))::float8 as seconds
from ${refreshTokens} where ${refreshTokens.familyId} = ${familyId}::text::uuid`)
    if (end === undefined || end.seconds <= 0) return undefined
    const [row] = yield* tx.insert(refreshTokens)
      .values({ adminUserId: account.id, familyId, tokenHash, expiresAt: sql`now() + ${seconds(end.seconds)}` })
      .returning({ expiresAt: refreshTokens.expiresAt })
    if (row === undefined) return undefined
    const { email, id, role } = account
    return { _tag: "Issued", account: { id, email, role }, familyId, expiresAt: row.expiresAt }
  })

/** Revokes what is left of a family whose account is locked. Says whether anything was. */
export const revokeFamily = (tx: Tx, familyId: string): Effect.Effect<boolean, DbError> =>
  Effect.map(
    tx.update(refreshTokens).set({ revokedAt: now })
      .where(and(eq(refreshTokens.familyId, familyId), isNull(refreshTokens.revokedAt)))
      .returning({ id: refreshTokens.id }),
    ({ length }) => length > 0
  )

/** Uses up the token with that hash and issues the next, or says why not. */
export const claim = (
  tx: Tx,
  tokenHash: string,
  nextHash: string,
  lives: Lives
): Effect.Effect<Issued | Refused, DbError> =>
  Effect.gen(function*() {
    const unknown: Refused = { _tag: "Refused", why: "unknown", accountId: 0n, familyId: "" }
    const [presented] = yield* tx.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, tokenHash))
    if (presented === undefined) return unknown
    const account = yield* lock(tx, presented.adminUserId)
    if (account === undefined) return unknown
    const { familyId, id } = presented
    const refused = (why: TokenFault): Refused => ({ _tag: "Refused", why, accountId: account.id, familyId })
    const claimed = yield* tx.update(refreshTokens).set({ usedAt: now })
      .where(and(
        eq(refreshTokens.id, id),
        isNull(refreshTokens.usedAt),
        isNull(refreshTokens.revokedAt),
        gt(refreshTokens.expiresAt, now)
      ))
      .returning({ id: refreshTokens.id })
    if (claimed.length === 1) return (yield* issue(tx, account, familyId, nextHash, lives)) ?? refused("expired")
    // As it is now: another may have had the lock.
    const [current] = yield* tx.select().from(refreshTokens).where(eq(refreshTokens.id, id))
    if (current === undefined) return unknown
    if (current.usedAt !== null) {
      yield* revokeFamily(tx, familyId)
      return refused("reused")
    }
    return refused(current.revokedAt === null ? "expired" : "revoked")
  })
