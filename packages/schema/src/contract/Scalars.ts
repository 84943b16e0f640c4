/** The values that several contracts are made of. All are plain JSON: decoding checks them and changes nothing. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const isIsoInstant = Schema.makeFilter(
  (text: string) => Option.exists(DateTime.make(text), (instant) => DateTime.formatIso(instant) === text),
  { expected: "an instant such as 2026-01-31T23:59:59.999Z" }
)

/** An instant in UTC with milliseconds, as `Date.prototype.toISOString` writes it: one spelling, so it sorts as text. */
export const IsoInstant = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u, {
    expected: "an instant in UTC with milliseconds"
  }),
  isIsoInstant
)

/** How many: an integer from 0. */
export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** A span of time in milliseconds, from 0, fractions allowed. */
export const Milliseconds = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** How long something has gone on, in milliseconds by the server's clock; below 0 when that was set back meanwhile. */
export const ElapsedMs = Schema.Finite

/** A part of a whole: from 0 to 1. */
export const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** Text for a person: at least one character that is not white space. */
export const Text = Schema.String.check(Schema.isPattern(/\S/u, { expected: "text that is not blank" }))

/** A name of something in the database, as Postgres stores it: 1 to 63 bytes. */
export const DatabaseName = Schema.String.check(
  Schema.makeFilter((name: string) => name !== "" && new TextEncoder().encode(name).length <= 63, {
    expected: "a name of 1 to 63 bytes"
  })
)

/** Names without repetition. */
export const DatabaseNames = Schema.Array(DatabaseName).check(Schema.isUnique())

/** Names with their schemas, such as `public.users`, without repetition. */
export const QualifiedNames = Schema.Array(Schema.String.check(
  Schema.isPattern(/^.{1,63}\..{1,63}$/su, { expected: "a name with its schema, such as public.users" })
)).check(Schema.isUnique())
