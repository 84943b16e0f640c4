/** A database as the migrations make it has no drift, and every change by hand is seen. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { SchemaDumpRow } from "../../src/catalog/schemaDump.ts"
import * as ChangeLog from "../../src/migration/ChangeLog.ts"
import { drift, dump } from "../../src/migration/Drift.ts"
import * as Migrator from "../../src/migration/Migrator.ts"
import { type Runner, runner } from "./support.ts"

const folder = join(import.meta.dirname, "../../../../drizzle")

describe("drift", () => {
  let expected: ReadonlyArray<SchemaDumpRow>
  let database: TestDatabase
  let one: Runner
  beforeAll(async () => {
    const scratch = await createTestDatabase({ template: false })
    const first = runner(scratch.url)
    await first.run(Migrator.migrate(folder))
    expected = await first.run(dump())
    await first.close()
    await scratch.close()
  })
  beforeEach(async () => {
    await one?.close()
    await database?.close()
    database = await createTestDatabase()
    one = runner(database.url)
  })
  afterAll(async () => {
    await one.close()
    await database.close()
  })

  it("is not there after the migrations, nor by what the data layer keeps for itself", async () => {
    expect(await one.run(drift({ expected }))).toEqual([])
    await one.run(ChangeLog.install)
    await one.run(ChangeLog.track(["public.users"]))
    expect(await one.run(drift({ expected }))).toEqual([])
  })

  it.each<readonly [sql: string, tables: ReadonlyArray<string>, migrations: ReadonlyArray<string>]>([
    ["alter table users add column extra int", ["column public.users.extra"], ["table public.users"]],
    ["alter table users alter column email drop not null", ["column public.users.email"], ["table public.users"]],
    ["alter table users alter column email type varchar(100)", ["column public.users.email"], ["table public.users"]],
    ["create table stray (id int)", ["table public.stray"], ["table public.stray"]],
    ["drop table refresh_tokens", ["table public.refresh_tokens"], ["table public.refresh_tokens"]],
    ["create index stray on users (email)", ["index public.users.stray"], ["index public.stray"]],
    ["create function stray() returns int language sql as 'select 1'", [], ["function public.stray()"]]
  ])("sees: %s", async (sql, tables, migrations) => {
    await database.admin(sql)
    const found = await one.run(drift({ expected }))
    const of = (against: string) =>
      found.filter((each) => each.against === against).map(({ kind, object }) => `${kind} ${object}`)
    expect(of("tables")).toEqual(tables)
    expect(of("migrations")).toEqual(expect.arrayContaining([...migrations]))
    // Without a scratch database it is the tables alone.
    expect(await one.run(drift())).toEqual(found.filter(({ against }) => against === "tables"))
  })
})
