/** Refresh tokens of administrators: only their hashes, so that a copy of the table opens nothing. */
import { sql } from "drizzle-orm"
import { check, index, pgTable, text, uuid } from "drizzle-orm/pg-core"
import { auditInstants, id, instant, reference } from "../columns.ts"
import { adminUsers } from "./adminUsers.ts"

export const refreshTokens = pgTable("refresh_tokens", {
  id: id(),
  /** Cascade: without the account its tokens mean nothing, and must not outlive it. */
  adminUserId: reference("admin_user_id").references(() => adminUsers.id, { onDelete: "cascade" }),
  /** Shared by all tokens that came from one login: when a used one comes back, the whole family is revoked. */
  familyId: uuid("family_id").notNull().defaultRandom(),
  /** SHA-256 of the token, 64 lower-case hexadecimal digits. */
  tokenHash: text("token_hash").notNull().unique("refresh_tokens_token_hash_key"),
  /** After this instant it is refused; later than `createdAt`. */
  expiresAt: instant("expires_at").notNull(),
  /** When it was exchanged for the next one; null while it has not been. */
  usedAt: instant("used_at"),
  /** When it was withdrawn; null while it has not been. */
  revokedAt: instant("revoked_at"),
  ...auditInstants()
}, (t) => [
  index("refresh_tokens_admin_user_id_idx").on(t.adminUserId),
  index("refresh_tokens_family_id_idx").on(t.familyId),
  index("refresh_tokens_expires_at_idx").on(t.expiresAt),
  check("refresh_tokens_token_hash_valid", sql`${t.tokenHash} ~ '^[0-9a-f]{64}$'`),
  check("refresh_tokens_expires_after_creation", sql`${t.expiresAt} > ${t.createdAt}`)
])

export type RefreshToken = typeof refreshTokens.$inferSelect
export type NewRefreshToken = typeof refreshTokens.$inferInsert
