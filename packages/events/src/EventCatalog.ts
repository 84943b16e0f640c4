/**
 * The events, for reading. Answers come from the query cache where they can: what they are, and were at most
 * `DbConfig.cacheStaleness` ago.
 */
import { Database } from "@ems/db-core/connection/Database"
import type { DbError } from "@ems/db-core/errors/DbError"
import { Optimizer } from "@ems/db-core/optimizer/Optimizer"
import { events, type EventStatus, relations } from "@ems/schema"
import type { Event } from "@ems/schema/contract/Events"
import { and, asc, eq, type SQL, sql } from "drizzle-orm"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Cursor from "./EventCursor.ts"

export interface EventList {
  readonly items: ReadonlyArray<Event>
  /** Of the last one, when there are more. */
  readonly next: string | null
}

export interface ListOptions {
  readonly status?: EventStatus | undefined
  /** 1 to 200, default 50. */
  readonly limit?: number | undefined
  /** Where the page before ended. */
  readonly after?: Cursor.EventCursor | undefined
}

export class EventCatalog extends Context.Service<EventCatalog, {
  /** By the key that callers see; `undefined` when there is none. */
  readonly find: (id: string) => Effect.Effect<Event | undefined, DbError>
  /** What `find` would answer, if that is in memory and good. Asks nobody. */
  readonly tryFind: (id: string) => Event | undefined
  /** By date, and by key on the same date. */
  readonly list: (options?: ListOptions) => Effect.Effect<EventList, DbError>
}>()("@ems/events/EventCatalog") {
  /** The data layer has to be built with the relations of `@ems/schema`. */
  static readonly layerNoDeps = Layer.effect(EventCatalog, Effect.suspend(() => make))
}

const columns = {
  id: events.publicId,
  title: events.title,
  description: events.description,
  venue: events.venue,
  status: events.status,
  eventDate: events.eventDate,
  registrationDeadline: events.registrationDeadline,
  capacity: events.capacity,
  priceMinor: events.priceMinor,
  currency: events.currency
}

interface Row extends Omit<Event, "eventDate" | "registrationDeadline" | "priceMinor"> {
  readonly eventDate: Date
  readonly registrationDeadline: Date
  readonly priceMinor: bigint
}

const shown = (row: Row): Event =>
  Object.freeze({
    id: row.id,
    title: row.title,
    description: row.description,
    venue: row.venue,
    status: row.status,
    eventDate: row.eventDate.toISOString(),
    registrationDeadline: row.registrationDeadline.toISOString(),
    capacity: row.capacity,
    priceMinor: String(row.priceMinor),
    currency: row.currency
  })

/** With all its digits: by milliseconds alone a page could begin with a row of the one before. */
const position = sql<string>`${events.eventDate}::text`

const make = Effect.gen(function*() {
  const database = yield* Database.with(relations)
  const optimizer = yield* Optimizer
  const byId = yield* database.query((db) =>
    Effect.succeed(
      optimizer.prepare(
        db.select(columns).from(events).where(eq(events.publicId, sql.placeholder("id"))).prepare("event_by_id")
      )
    )
  )
  /** Made once for each answer that is kept: what comes out of the cache is the same object while it is good. */
  const made = new WeakMap<ReadonlyArray<Row>, Event>()
  const first = (rows: ReadonlyArray<Row>): Event | undefined => {
    const known = made.get(rows)
    if (known !== undefined) return known
    const [row] = rows
    if (row === undefined) return undefined
    const event = shown(row)
    made.set(rows, event)
    return event
  }

  return {
    find: (id) => Effect.map(byId.execute({ id }), first),
    tryFind: (id) => {
      const rows = byId.tryHit({ id })
      return rows === undefined ? undefined : first(rows)
    },
    list: ({ after, limit = 50, status } = {}) => {
      const conditions: Array<SQL> = []
      if (status !== undefined) conditions.push(eq(events.status, status))
      if (after !== undefined) {
        conditions.push(
          sql`(${events.eventDate}, ${events.publicId}) > (${after.position}::timestamptz, ${after.id}::uuid)`
        )
      }
      return database.query((db) =>
        optimizer.cached(
          db.select({ ...columns, position }).from(events).where(and(...conditions))
            .orderBy(asc(events.eventDate), asc(events.publicId))
            // One more says whether there are more.
            .limit(limit + 1)
        )
      ).pipe(Effect.map((rows) => {
        const page = rows.slice(0, limit)
        const last = page.at(-1)
        return {
          items: page.map(shown),
          next: rows.length > limit && last !== undefined ? Cursor.format(last) : null
        }
      }))
    }
  } satisfies EventCatalog["Service"]
})
