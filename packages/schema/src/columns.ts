/**
 * Columns that every table spells the same way.
 *
 * Keys are bigint in the database and `bigint` in TypeScript: the driver hands int8 over as bigint, and a `number`
 * would lose the low digits above 2^53 without an error.
 */
import { bigint, char, timestamp, uuid } from "drizzle-orm/pg-core"

/** The key inside the database. Always generated: no caller can insert or overwrite one. Never shown outside. */
export const id = () => bigint("id", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity()

/** The key a caller sees. Random, so that it does not tell how many rows there are nor which came before. */
export const publicId = () => uuid("public_id").notNull().unique().defaultRandom()

/** A bigint foreign key; the caller adds `.references(…)` with a stated ON DELETE. */
export const reference = (name: string) => bigint(name, { mode: "bigint" }).notNull()

/** Money in minor units (cents for EUR), so that no sum is ever rounded. Means nothing without its `currency`. */
export const minorUnits = (name: string) => bigint(name, { mode: "bigint" }).notNull()

/** ISO 4217 code, upper case. Without a default: an amount in a guessed currency is a wrong amount. */
export const currency = () => char("currency", { length: 3 }).notNull()

/** An instant: timestamptz, microseconds in the database, a `Date` in milliseconds in TypeScript. */
export const instant = (name: string) => timestamp(name, { withTimezone: true })

/**
 * When the row was inserted and when it last changed, both by the database's clock.
 *
 * Spread last. `updated_at` is overwritten by the trigger `set_updated_at` at every change, whatever the caller sends.
 */
export const auditInstants = () => ({
  createdAt: instant("created_at").notNull().defaultNow(),
  updatedAt: instant("updated_at").notNull().defaultNow()
})
