/** The closed sets of values that the database knows by name. Append only: Postgres cannot drop an enum value. */
import { pgEnum } from "drizzle-orm/pg-core"

/** Life of an event. Only `published` takes registrations; `cancelled` and `completed` are final. */
export const eventStatus = pgEnum("event_status", ["draft", "published", "cancelled", "completed"])
export type EventStatus = typeof eventStatus.enumValues[number]

/** State of a payment. `failed` may be tried again; `refunded` is final. */
export const paymentStatus = pgEnum("payment_status", ["pending", "paid", "failed", "refunded"])
export type PaymentStatus = typeof paymentStatus.enumValues[number]

/** What an administrator may do, weakest first: each role may do what the ones before it may. */
export const adminRole = pgEnum("admin_role", ["viewer", "operator", "admin"])
export type AdminRole = typeof adminRole.enumValues[number]
