/** Who may operate the product. Apart from `users`: neither can become the other by an update. */
import { check, pgTable, text } from "drizzle-orm/pg-core"
import { isEmail, isText } from "../checks.ts"
import { auditInstants, id } from "../columns.ts"
import { adminRole } from "../enums.ts"

export const adminUsers = pgTable("admin_users", {
  id: id(),
  /** Lower case, at most 254 characters. Unique, and so unique whatever the case it was typed in. */
  email: text("email").notNull().unique("admin_users_email_key"),
  /** Self-describing hash (algorithm, parameters, salt, digest), at most 500 characters. Never leaves the server. */
  passwordHash: text("password_hash").notNull(),
  role: adminRole("role").notNull().default("viewer"),
  ...auditInstants()
}, (t) => [
  check("admin_users_email_valid", isEmail(t.email)),
  check("admin_users_password_hash_valid", isText(t.passwordHash, 500))
])

export type AdminUser = typeof adminUsers.$inferSelect
export type NewAdminUser = typeof adminUsers.$inferInsert
