/** Conditions that several tables state about their columns, each said once. */
import { type AnyColumn, type SQL, sql } from "drizzle-orm"

/** At least one character that is not white space, and at most `maxLength` characters. */
export const isText = (column: AnyColumn, maxLength: number): SQL =>
  sql`${column} ~ '[^[:space:]]' and char_length(${column}) <= ${sql.raw(String(maxLength))}`

/**
 * One `@` with something on both sides, no white space, at most 254 characters (RFC 5321), in lower case.
 *
 * Lower case because then a plain unique index is case-insensitive and still serves `where email = $1`. Callers
 * lower-case what they are given.
 */
export const isEmail = (column: AnyColumn): SQL =>
  sql`${column} ~ '^[^[:space:]@]+@[^[:space:]@]+$' and ${column} = lower(${column}) and char_length(${column}) <= 254`

/** Three upper-case letters. `char(3)` pads shorter codes with spaces, which this refuses. */
export const isCurrency = (column: AnyColumn): SQL => sql`${column} ~ '^[A-Z]{3}$'`
