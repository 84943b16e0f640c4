/** What people register for. */
import { sql } from "drizzle-orm"
import { check, index, integer, pgTable, text } from "drizzle-orm/pg-core"
import { isCurrency, isText } from "../checks.ts"
import { auditInstants, currency, id, instant, minorUnits, publicId, reference } from "../columns.ts"
import { eventStatus } from "../enums.ts"
import { users } from "./users.ts"

export const events = pgTable("events", {
  id: id(),
  publicId: publicId(),
  /** Restrict: whoever has organized something is deleted only after the event has got another organizer. */
  organizerId: reference("organizer_id").references(() => users.id, { onDelete: "restrict" }),
  /** 1 to 200 characters. */
  title: text("title").notNull(),
  /** At most 10,000 characters, empty when there is nothing to say. */
  description: text("description").notNull().default(""),
  /** 1 to 200 characters. */
  venue: text("venue").notNull(),
  status: eventStatus("status").notNull().default("draft"),
  /** When it begins. */
  eventDate: instant("event_date").notNull(),
  /** Last instant at which a registration is taken; never after `eventDate`. */
  registrationDeadline: instant("registration_deadline").notNull(),
  /** Places, at least 1. */
  capacity: integer("capacity").notNull(),
  /** Price of one place in minor units of `currency`; 0 is free. */
  priceMinor: minorUnits("price_minor"),
  currency: currency(),
  ...auditInstants()
}, (t) => [
  index("idx_events_date").on(t.eventDate),
  index("idx_events_status").on(t.status),
  index("idx_events_organizer").on(t.organizerId),
  index("idx_events_venue").on(t.venue),
  index("idx_events_price").on(t.priceMinor),
  index("idx_events_registration_deadline").on(t.registrationDeadline),
  check("events_title_valid", isText(t.title, 200)),
  check("events_description_valid", sql`char_length(${t.description}) <= 10000`),
  check("events_venue_valid", isText(t.venue, 200)),
  check("events_deadline_not_after_event", sql`${t.registrationDeadline} <= ${t.eventDate}`),
  check("events_capacity_positive", sql`${t.capacity} > 0`),
  check("events_price_not_negative", sql`${t.priceMinor} >= 0`),
  check("events_currency_valid", isCurrency(t.currency))
])

export type Event = typeof events.$inferSelect
export type NewEvent = typeof events.$inferInsert
