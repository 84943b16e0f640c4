import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import type { Event } from "@ems/schema/contract/Events"
import type { HealthStatusOnly } from "@ems/schema/contract/Health"
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest"
import { createClient } from "../src/client.ts"
import { makeApp } from "./support.ts"

describe("the typed client", () => {
  let database: TestDatabase
  let made: Awaited<ReturnType<typeof makeApp>>
  let id: string

  beforeAll(async () => {
    database = await createTestDatabase()
    made = await makeApp(database.url)
    await database.admin("insert into users (email, name) values ('o@example.org', 'Organizer')")
    const [row] = await database.admin(
      `insert into events (organizer_id, title, venue, status, event_date, registration_deadline, capacity, price_minor, currency)
       select id, 'Concert', 'Hall', 'published', '2027-01-01', '2027-01-01', 10, 1500, 'EUR' from users
       returning public_id::text as id`
    )
    id = String(row?.["id"])
  })
  afterAll(async () => {
    await made.dispose()
    await database.close()
  })

  it("knows what the routes answer", async () => {
    const { api } = createClient(made.app)
    const { data, error, status } = await api.events({ id }).get()
    expect([status, error]).toEqual([200, null])
    expect(data?.title).toBe("Concert")
    expectTypeOf(data).toEqualTypeOf<Event | null>()
    const list = await api.events.get({ query: { limit: 1, status: "published" } })
    expect(list.data?.items.map((event) => event.id)).toEqual([id])
    const health = await api.db.health.get()
    expectTypeOf<HealthStatusOnly>().toExtend<NonNullable<typeof health.data>>()
    expect(health.data?.status).toBe("healthy")
  })

  it("gives what was refused as an error", async () => {
    const { api } = createClient(made.app)
    const { data, error, status } = await api.events({ id: "00000000-0000-4000-8000-000000000000" }).get()
    expect([data, status]).toEqual([null, 404])
    expect(error?.value).toMatchObject({ status: 404 })
  })

  it("sends its token", async () => {
    const guarded = await makeApp(database.url, { auth: "on" })
    expect((await createClient(guarded.app).api.db.cache.get()).status).toBe(401)
    expect((await createClient(guarded.app, { token: "wrong" }).api.db.cache.get()).error?.value).toMatchObject({
      reason: "InvalidToken"
    })
    await guarded.dispose()
  })
})
