/** One seed at a time, and no writer beside it: ids are taken from the tables, not from their sequences. */
import { sql } from "drizzle-orm"

/** Who waits longer gives up, and the command ends as "lock held". */
export const limitWaiting = sql`set local lock_timeout = '10s'`

/** The same number in every version: the first eight bytes of SHA-256("ems seed"). */
export const lockSeed = sql`select pg_advisory_xact_lock(-1583220571255038254)`

/** Writers wait until the seed has ended, and it waits for those that are under way. Readers do not. */
export const lockTables = sql`lock table users, events, registrations, payment_history in share row exclusive mode`
