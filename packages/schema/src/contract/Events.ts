/** `GET /api/events` and `GET /api/events/:id`. */
import * as Schema from "effect/Schema"
import { Count, IsoInstant, Text } from "./Scalars.ts"

export const EventStatus = Schema.Literals(["draft", "published", "cancelled", "completed"])

/** The key that callers see; random. */
export const EventId = Schema.String.check(
  Schema.isPattern(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u, { expected: "a UUID in lower case" })
)

export const Event = Schema.Struct({
  id: EventId,
  title: Text,
  description: Schema.String,
  venue: Text,
  status: EventStatus,
  eventDate: IsoInstant,
  /** Last instant at which a registration is taken. */
  registrationDeadline: IsoInstant,
  capacity: Count,
  /** Price of one place in minor units of `currency`, as digits: it may be larger than a number is exact. */
  priceMinor: Schema.String.check(Schema.isPattern(/^\d+$/u, { expected: "digits" })),
  /** ISO 4217. */
  currency: Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/u, { expected: "a currency such as EUR" }))
})
export type Event = typeof Event.Type

export const EventsQuery = Schema.Struct({
  /** 1 to 200, default 50. */
  limit: Schema.optionalKey(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 200 }))
  ),
  status: Schema.optionalKey(EventStatus),
  /** `next` of the page before. */
  after: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200)))
})

/** In the order of their dates. */
export const Events = Schema.Struct({
  items: Schema.Array(Event),
  /** What the next page comes after; null on the last one. */
  next: Schema.NullOr(Text)
})
export type Events = typeof Events.Type
