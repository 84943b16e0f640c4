/** Every attempt to move money for a registration, the failed ones too. */
import { sql } from "drizzle-orm"
import { check, index, pgTable, text } from "drizzle-orm/pg-core"
import { isCurrency, isText } from "../checks.ts"
import { auditInstants, currency, id, instant, minorUnits, reference } from "../columns.ts"
import { paymentStatus } from "../enums.ts"
import { registrations } from "./registrations.ts"

export const paymentHistory = pgTable("payment_history", {
  id: id(),
  /** Restrict: a registration with payments cannot be deleted, so no payment is ever lost with one. */
  registrationId: reference("registration_id").references(() => registrations.id, { onDelete: "restrict" }),
  /** The payment provider's name for it, 1 to 200 characters. Not unique: a refund repeats the payment's. */
  paymentReference: text("payment_reference").notNull(),
  /** What was moved, in minor units of `currency`; the direction is in `status`. */
  amountMinor: minorUnits("amount_minor"),
  currency: currency(),
  status: paymentStatus("status").notNull().default("pending"),
  transactionDate: instant("transaction_date").notNull().defaultNow(),
  ...auditInstants()
}, (t) => [
  index("idx_payment_history_registration_id").on(t.registrationId),
  index("idx_payment_history_payment_reference").on(t.paymentReference),
  index("idx_payment_history_status").on(t.status),
  index("idx_payment_history_transaction_date").on(t.transactionDate),
  check("payment_history_reference_valid", isText(t.paymentReference, 200)),
  check("payment_history_amount_not_negative", sql`${t.amountMinor} >= 0`),
  check("payment_history_currency_valid", isCurrency(t.currency))
])

export type Payment = typeof paymentHistory.$inferSelect
export type NewPayment = typeof paymentHistory.$inferInsert
