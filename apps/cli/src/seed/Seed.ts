/**
 * Sample data to look around in and to measure with. Everything follows from the scale: no clock, no random numbers,
 * so that two databases of one scale hold the same rows.
 */
import { Database } from "@ems/db-core/connection/Database"
import type { Seed } from "@ems/schema/contract/Seed"
import { sql } from "drizzle-orm"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { silent, type StepsShown } from "../progress/Steps.ts"
import { insertEvents } from "./events.ts"
import { limitWaiting, lockSeed, lockTables } from "./lock.ts"
import { insertPayments } from "./payments.ts"
import { type Present, present } from "./present.ts"
import { insertRegistrations } from "./registrations.ts"
import type { Sample } from "./Sample.ts"
import { advanceSequences } from "./sequences.ts"
import { insertUsers } from "./users.ts"

export interface SeedOptions {
  /** A whole number from 1 to 1000. */
  readonly scale: number
  /** Adds the rows behind those that are there. */
  readonly force: boolean
}

const sampleOf = (scale: number, after: Present): Sample => ({
  users: 1000 * scale,
  events: 200 * scale,
  registrations: 5000 * scale,
  after
})

const tables = {
  users: "users",
  events: "events",
  registrations: "registrations",
  payments: "payment_history"
} as const

const namesOfOccupied = (found: Present): ReadonlyArray<string> =>
  (Object.keys(tables) as Array<keyof typeof tables>).filter((key) => found[key] > 0n).map((key) => tables[key])

/** What it does one after the other. */
const steps = [
  "waiting for writers",
  "users",
  "events",
  "registrations",
  "payments",
  "statistics",
  "committing"
] as const

export type SeedStep = (typeof steps)[number]

/** All or nothing, in one transaction. */
const write = Effect.fnUntraced(function*({ force, scale }: SeedOptions, shown: StepsShown) {
  const step = (what: SeedStep) => shown.at(steps.indexOf(what) + 1, steps.length, what)
  const database = yield* Database
  return yield* database.transaction((tx) =>
    Effect.gen(function*() {
      yield* tx.execute(limitWaiting)
      yield* step("waiting for writers")
      yield* tx.execute(lockSeed)
      yield* tx.execute(lockTables)
      const { rows: [found] } = yield* tx.execute<Present & Record<string, unknown>>(present)
      const after = found ?? { users: 0n, events: 0n, registrations: 0n, payments: 0n }
      const occupied = namesOfOccupied(after)
      if (occupied.length > 0 && !force) {
        return { seeded: false, reason: `there are rows already in ${occupied.join(", ")}`, rows: {} }
      }
      const sample = sampleOf(scale, after)
      yield* step("users")
      const users = yield* tx.execute(insertUsers(sample))
      yield* step("events")
      const events = yield* tx.execute(insertEvents(sample))
      yield* step("registrations")
      const registrations = yield* tx.execute(insertRegistrations(sample))
      yield* step("payments")
      const payments = yield* tx.execute(insertPayments(sample))
      yield* tx.execute(advanceSequences)
      yield* step("statistics")
      // Inside the transaction, so that nobody ever plans for these rows with the statistics of empty tables.
      yield* tx.execute(sql`analyze users, events, registrations, payment_history`)
      yield* step("committing")
      return {
        seeded: true,
        rows: {
          users: users.rowCount,
          events: events.rowCount,
          registrations: registrations.rowCount,
          payment_history: payments.rowCount
        }
      }
    }), { timeout: Number.POSITIVE_INFINITY })
})

export const seed = Effect.fn("Seed.seed")(function*(options: SeedOptions, shown: StepsShown = silent) {
  const [took, written] = yield* Effect.timed(write(options, shown))
  return { ...written, scale: options.scale, durationMs: Duration.toMillis(took) } satisfies Seed
})
