import { createTestDatabase } from "@ems/db-testing"
import { describe, expect, it } from "vitest"
import { lint } from "../../src/migration/MigrationLint.ts"
import { plan } from "../../src/migration/MigrationPlan.ts"
import * as Migrator from "../../src/migration/Migrator.ts"
import { failure, folderOf, nameOf, runner } from "./support.ts"

describe("the plan", () => {
  it("says which transactions there would be, what they lock and how large that is, and changes nothing", async () => {
    const database = await createTestDatabase({ template: false })
    await database.admin(
      "create table t (id int primary key, v int); insert into t select n, n from generate_series(1, 5000) n"
    )
    await database.admin("analyze t")
    const folder = folderOf([
      "create table u (id int primary key, t_id int references t (id))",
      "alter table u add column v int",
      "alter table t add constraint c check (v > 0) not valid",
      "alter table t validate constraint c",
      "create index concurrently t_v on t (v)",
      "drop index concurrently t_v",
      "do $$ begin end $$"
    ])
    const one = runner(database.url)
    const planned = await one.run(plan(folder))
    const t = { table: "public.t", isNew: false, rows: 5000, bytes: expect.any(Number) }
    expect(planned.map(({ name, steps }) => ({
      name,
      steps: steps.map(({ kind, lockTimeout, statements }) => ({
        kind,
        lockTimeout,
        statements: statements.map(({ command, isOpaque, line, locks }) => ({ line, command, isOpaque, locks }))
      }))
    }))).toEqual([{
      name: nameOf(0),
      steps: [
        {
          kind: "transaction",
          lockTimeout: 1000,
          statements: [
            { line: 1, command: "CREATE TABLE", isOpaque: false, locks: [{ ...t, mode: "SHARE ROW EXCLUSIVE" }] },
            {
              line: 3,
              command: "ALTER TABLE",
              isOpaque: false,
              locks: [{ table: "u", mode: "ACCESS EXCLUSIVE", isNew: true, rows: null, bytes: null }]
            },
            { line: 5, command: "ALTER TABLE", isOpaque: false, locks: [{ ...t, mode: "ACCESS EXCLUSIVE" }] }
          ]
        },
        {
          kind: "transaction",
          lockTimeout: null,
          statements: [
            { line: 7, command: "ALTER TABLE", isOpaque: false, locks: [{ ...t, mode: "SHARE UPDATE EXCLUSIVE" }] }
          ]
        },
        {
          kind: "outside",
          lockTimeout: null,
          statements: [
            { line: 9, command: "CREATE INDEX", isOpaque: false, locks: [{ ...t, mode: "SHARE UPDATE EXCLUSIVE" }] }
          ]
        },
        {
          kind: "outside",
          lockTimeout: null,
          statements: [
            // Of an index that the statement before it makes.
            {
              line: 11,
              command: "DROP INDEX",
              isOpaque: false,
              locks: [{ ...t, mode: "SHARE UPDATE EXCLUSIVE" }]
            }
          ]
        },
        { kind: "transaction", lockTimeout: 1000, statements: [{ line: 13, command: "DO", isOpaque: true, locks: [] }] }
      ]
    }])
    expect(await database.admin("select to_regclass('u') as u, to_regnamespace('drizzle') as d")).toEqual([{
      u: null,
      d: null
    }])
    await one.close()
    await database.close()
  })

  it("is about what is left", async () => {
    const database = await createTestDatabase({ template: false })
    const folder = folderOf(["create table t (id int)", "vacuum t", "select 1/0"], ["create index i on t (id)"])
    const one = runner(database.url)
    await one.run(failure(Migrator.migrate(folder)))
    const planned = await one.run(plan(folder))
    expect(planned.map(({ steps }) => steps.flatMap(({ statements }) => statements.map(({ text }) => text))))
      .toEqual([["select 1/0"], ["create index i on t (id)"]])
    await one.close()
    await database.close()
  })

  it.runIf(process.versions["bun"] !== undefined)("and the lint work on an embedded database", async () => {
    const one = runner("pglite:memory")
    await one.run(Migrator.migrate(folderOf(["create table t (id int)", "insert into t values (1)"])))
    const folder = folderOf(["create table t (id int)", "insert into t values (1)"], ["create index i on t (id)"])
    expect((await one.run(plan(folder))).map(({ name }) => name)).toEqual([nameOf(1)])
    expect((await one.run(lint(folder))).findings.map(({ name }) => name)).toEqual([
      "require-concurrent-index-creation"
    ])
    await one.close()
  }, 60_000)
})
