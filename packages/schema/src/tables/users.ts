/** People who register for events or organize them. */
import { check, index, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core"
import { isEmail, isText } from "../checks.ts"
import { auditInstants, id, publicId } from "../columns.ts"

export const users = pgTable("users", {
  id: id(),
  publicId: publicId(),
  /** Lower case, at most 254 characters. Unique. */
  email: text("email").notNull(),
  /** As the person writes it; 1 to 200 characters. */
  name: text("name").notNull(),
  ...auditInstants()
}, (t) => [
  uniqueIndex("idx_users_email").on(t.email),
  index("idx_users_created_at").on(t.createdAt),
  check("users_email_valid", isEmail(t.email)),
  check("users_name_valid", isText(t.name, 200))
])

export type User = typeof users.$inferSelect
export type NewUser = typeof users.$inferInsert
