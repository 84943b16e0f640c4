import * as DbCore from "@ems/db-core/DbCore"
import * as ChangeLog from "@ems/db-core/migration/ChangeLog"
import { Optimizer } from "@ems/db-core/optimizer/Optimizer"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { relations } from "@ems/schema"
import { Event } from "@ems/schema/contract/Events"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { EventCatalog } from "../src/EventCatalog.ts"
import * as Cursor from "../src/EventCursor.ts"

const decode = Schema.decodeUnknownSync(Event, { onExcessProperty: "error" })

/** Three dates for seven events, two of them a microsecond apart. */
const dates = [
  "2027-01-01 10:00:00.000001+00",
  "2027-01-01 10:00:00.000002+00",
  "2027-01-01 10:00:00.000002+00",
  "2027-01-01 10:00:00.000002+00",
  "2027-01-01 10:00:00.001+00",
  "2027-01-02 10:00:00+00",
  "2027-01-03 10:00:00+00"
]

describe("EventCatalog", () => {
  let database: TestDatabase
  let runtime: ManagedRuntime.ManagedRuntime<EventCatalog | DbCore.DbCore, unknown>
  let ids: ReadonlyArray<string>

  const run = <A, E>(use: (catalog: EventCatalog["Service"]) => Effect.Effect<A, E>) =>
    runtime.runPromise(EventCatalog.use(use))

  beforeAll(async () => {
    database = await createTestDatabase()
    await database.admin("insert into users (email, name) values ('o@example.org', 'Organizer')")
    for (const [at, date] of dates.entries()) {
      await database.admin(
        `insert into events (organizer_id, title, venue, status, event_date, registration_deadline, capacity, price_minor, currency)
         select id, $1, 'Hall', $2::event_status, $3, $3, 10, 9007199254740993, 'EUR' from users`,
        [`Event ${at}`, at === 6 ? "draft" : "published", date]
      )
    }
    ids = (await database.admin("select public_id::text as id from events order by event_date, public_id"))
      .map(({ id }) => String(id))
    runtime = ManagedRuntime.make(
      Layer.provideMerge(EventCatalog.layerNoDeps, DbCore.layerOf(relations, { url: database.url }))
    )
    await runtime.runPromise(Effect.andThen(ChangeLog.install, ChangeLog.track(["public.events"])))
  })
  afterAll(async () => {
    await runtime.dispose()
    await database.close()
  })

  it("finds an event by the key that callers see, with its price to the last digit", async () => {
    const event = decode(await run(({ find }) => find(ids[0] ?? "")))
    expect(event).toMatchObject({ id: ids[0], title: "Event 0", status: "published", priceMinor: "9007199254740993" })
    expect(event.eventDate).toBe("2027-01-01T10:00:00.000Z")
  })

  it("has nothing for a key that nobody has", async () => {
    expect(await run(({ find }) => find("00000000-0000-4000-8000-000000000000"))).toBe(undefined)
  })

  it("gives what was read from memory, and sees a change at once", async () => {
    const id = ids[5] ?? ""
    const first = await run(({ find }) => find(id))
    for (
      let left = 50;
      left > 0 && (await run(({ tryFind }) => Effect.sync(() => tryFind(id)))) === undefined;
      left--
    ) {
      await run(({ find }) => find(id))
    }
    const known = await run(({ tryFind }) => Effect.sync(() => tryFind(id)))
    expect(known).toEqual(first)
    expect(await run(({ tryFind }) => Effect.sync(() => tryFind(id)))).toBe(known)
    await database.admin("update events set title = 'Renamed' where public_id = $1::uuid", [id])
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect((await run(({ find }) => find(id)))?.title).toBe("Renamed")
  })

  it("lists every event once whatever the size of a page, in the order of dates and keys", async () => {
    for (const limit of [1, 2, 3, 6, 7, 200]) {
      const seen: Array<string> = []
      let after: Cursor.EventCursor | undefined
      do {
        const { items, next } = await run(({ list }) => list({ limit, after }))
        for (const event of items) seen.push(decode(event).id)
        after = next === null ? undefined : Cursor.parse(next)
        expect(next === null).toBe(after === undefined)
      } while (after !== undefined)
      expect([limit, seen]).toEqual([limit, ids])
    }
  })

  it("lists by status", async () => {
    const { items, next } = await run(({ list }) => list({ status: "draft" }))
    expect(items.map(({ title }) => title)).toEqual(["Event 6"])
    expect(next).toBeNull()
  })

  it("keeps lists and single events in the cache", async () => {
    await run(({ list }) => list())
    await run(({ find }) => find(ids[1] ?? ""))
    const { queries } = await runtime.runPromise(Optimizer.use(({ snapshot }) => snapshot))
    expect(queries.map(({ bypass }) => bypass)).toEqual(queries.map(() => null))
    expect(queries.length).toBeGreaterThan(1)
  })

  it.each(["", "x", "MjAyN18x", Buffer.from("2027-13-99_1").toString("base64url")])("knows no position %j", (text) => {
    expect(Cursor.parse(text)).toBe(undefined)
  })
})
