/** What the statements of the seed share. */
import { type SQL, sql } from "drizzle-orm"

/** How many rows, and behind which ids. */
export interface Sample {
  readonly users: number
  readonly events: number
  readonly registrations: number
  /** The highest ids before the seed, 0 in empty tables: the new rows are numbered from the next ones. */
  readonly after: {
    readonly users: bigint
    readonly events: bigint
    readonly registrations: bigint
    readonly payments: bigint
  }
}

/** The moment at which the sample stands still: nothing in it depends on when it is written. */
export const now = sql.raw("timestamptz '2026-11-01 00:00:00+00'")

/** The modulus of `scatter`, a prime: multiples of a factor go through all remainders. */
const modulus = 2147483647

/** Spreads a number over 0 … 2^31 - 2, always the same way; another `factor` gives an unrelated order. */
export const scatter = (n: SQL, factor: number): SQL =>
  sql.raw("mod(").append(n).append(sql.raw(` * ${factor}, ${modulus})`))

/** A scattered number as one of 0 … `choices` - 1. */
export const choose = (scattered: SQL, choices: number): SQL =>
  sql`(`.append(scattered).append(sql.raw(` * ${choices} / ${modulus})::int`))

/** A UUID made from a table's name and the row's number: version 8, as RFC 9562 has it for such ones. */
export const publicId = (table: string, n: SQL): SQL =>
  sql`overlay(overlay(md5(${
    sql.raw(`'${table} '`)
  } || ${n}) placing '8' from 13 for 1) placing 'a' from 17 for 1)::uuid`
