/** One person's places at one event. */
import { sql } from "drizzle-orm"
import { check, index, integer, pgTable, uniqueIndex } from "drizzle-orm/pg-core"
import { isCurrency } from "../checks.ts"
import { auditInstants, currency, id, instant, minorUnits, publicId, reference } from "../columns.ts"
import { paymentStatus } from "../enums.ts"
import { events } from "./events.ts"
import { users } from "./users.ts"

export const registrations = pgTable("registrations", {
  id: id(),
  publicId: publicId(),
  /** Restrict: deleting a user must not make places and money disappear. */
  userId: reference("user_id").references(() => users.id, { onDelete: "restrict" }),
  /** Restrict: an event that somebody registered for is cancelled, not deleted. */
  eventId: reference("event_id").references(() => events.id, { onDelete: "restrict" }),
  /** Places taken, at least 1. */
  quantity: integer("quantity").notNull().default(1),
  /** What is owed for all places in minor units of `currency`, as agreed when registering. */
  amountMinor: minorUnits("amount_minor"),
  currency: currency(),
  paymentStatus: paymentStatus("payment_status").notNull().default("pending"),
  registrationDate: instant("registration_date").notNull().defaultNow(),
  ...auditInstants()
}, (t) => [
  index("idx_registrations_user_id").on(t.userId),
  index("idx_registrations_event_id").on(t.eventId),
  index("idx_registrations_payment_status").on(t.paymentStatus),
  index("idx_registrations_registration_date").on(t.registrationDate),
  uniqueIndex("idx_registrations_user_event").on(t.userId, t.eventId),
  check("registrations_quantity_positive", sql`${t.quantity} > 0`),
  check("registrations_amount_not_negative", sql`${t.amountMinor} >= 0`),
  check("registrations_currency_valid", isCurrency(t.currency))
])

export type Registration = typeof registrations.$inferSelect
export type NewRegistration = typeof registrations.$inferInsert
