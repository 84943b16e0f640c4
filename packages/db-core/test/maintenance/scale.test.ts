/** All 17 indexes of the schema are dropped and built again while 16 writers go on; `bench maintenance` has a million. */
import { connect } from "@ems/db-testing/Admin"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing/TestDatabase"
import { indexCatalog } from "@ems/schema"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Maintenance } from "../../src/maintenance/Maintenance.ts"
import * as MaintenanceTables from "../../src/migration/MaintenanceTables.ts"
import { maintenanceLayer } from "./layer.ts"

const rows = 30_000
const writers = 16
const minutes = 60_000

const fill = [
  `insert into users (email, name) select 'u' || n || '@example.org', 'User ' || n from generate_series(1, ${
    rows / 5
  }) n`,
  `insert into events (organizer_id, title, venue, event_date, registration_deadline, capacity, price_minor, currency)
   select 1 + n % 100, 'Event ' || n, 'Venue ' || n % 50, now() + n * interval '1 hour', now(), 100, n, 'EUR'
   from generate_series(1, ${rows / 50}) n`,
  `insert into registrations (user_id, event_id, amount_minor, currency, registration_date)
   select 1 + n % ${rows / 5}, 1 + n / ${rows / 5} + (n % 7) * ${
    rows / 400
  }, n % 10000, 'EUR', now() - n * interval '1 second'
   from generate_series(0, ${rows - 1}) n`,
  `insert into payment_history (registration_id, payment_reference, amount_minor, currency)
   select n, 'ref-' || n, n % 10000, 'EUR' from generate_series(1, ${rows / 2}) n`,
  "analyze"
]

describe("createIndexes beside writers", () => {
  let database: TestDatabase
  let runtime: ManagedRuntime.ManagedRuntime<Maintenance, unknown>
  beforeAll(async () => {
    database = await createTestDatabase()
    for (const { name } of indexCatalog) await database.admin(`drop index ${name}`)
    for (const statement of fill) await database.admin(statement)
    const made = ManagedRuntime.make(maintenanceLayer(database.url, { indexes: indexCatalog }))
    await made.runPromise(MaintenanceTables.install)
    runtime = made
  }, 10 * minutes)
  afterAll(async () => {
    await runtime.dispose()
    await database.close()
  })

  const dropAll = async () => {
    for (const { name } of indexCatalog) await database.admin(`drop index if exists ${name}`)
    await database.admin("checkpoint")
  }
  const valid = async () =>
    (await database.admin(
      "select count(*)::int as n from pg_index i join pg_class c on c.oid = i.indexrelid where indisvalid and relname like 'idx_%'"
    ))[0]?.["n"]
  const build = async () => {
    const maintenance = await runtime.runPromise(Maintenance)
    return runtime.runPromise(maintenance.run({ action: "createIndexes" }))
  }

  it("no writer fails, and every index is there", async () => {
    await dropAll()
    let isOver = false
    let written = 0
    const failures: Array<unknown> = []
    const write = async (writer: number) => {
      const client = await connect(database.url)
      for (let n = 0; !isOver; n++) {
        try {
          const user = 1 + ((writer * 7919 + n * 31) % (rows / 5))
          await client.query("begin")
          await client.query("update registrations set amount_minor = amount_minor + 1 where id = $1", [1 + user])
          await client.query(
            "insert into payment_history (registration_id, payment_reference, amount_minor, currency) values ($1, $2, 1, 'EUR')",
            [1 + user, `w-${writer}-${n}`]
          )
          await client.query("update users set name = $2 where id = $1", [user, `Name ${n}`])
          await client.query("update events set capacity = capacity + 1 where id = $1", [
            1 + (n * 16 + writer) % (rows / 50)
          ])
          await client.query("commit")
          written++
        } catch (error) {
          failures.push(error)
          await client.query("rollback")
        }
      }
      await client.end()
    }
    const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
    const { steps } = await build()
    isOver = true
    await writing
    expect(steps.map(({ outcome }) => outcome)).toEqual(indexCatalog.map(() => "done"))
    expect(failures).toEqual([])
    expect(written).toBeGreaterThan(writers)
    expect(await valid()).toBe(indexCatalog.length)
  }, 10 * minutes)
})
