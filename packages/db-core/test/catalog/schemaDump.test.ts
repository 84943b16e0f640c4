import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { relations } from "@ems/schema"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, expect, it } from "vitest"
import { renderSchemaDump, type SchemaDumpRow, schemaDumpSql } from "../../src/catalog/schemaDump.ts"
import { Database } from "../../src/connection/Database.ts"
import * as DbCore from "../../src/DbCore.ts"
import * as Migrator from "../../src/migration/Migrator.ts"

const root = fileURLToPath(new URL("../../../..", import.meta.url))
const folder = join(root, "drizzle")

const dumpRows = Database.use((db) =>
  Effect.map(
    db.write((d) => d.execute<SchemaDumpRow & Record<string, unknown>>(sql.raw(schemaDumpSql))),
    ({ rows }) => rows
  )
)
const on = <A, E>(database: TestDatabase, effect: Effect.Effect<A, E, DbCore.DbCore>) =>
  Effect.runPromise(Effect.provide(effect, DbCore.layerOf(relations, { url: database.url })))

const kit = (...args: ReadonlyArray<string>) => {
  const done = spawnSync(process.execPath, [join(root, "node_modules/drizzle-kit/bin.cjs"), ...args], {
    cwd: root,
    encoding: "utf8",
    // Bun's `execPath` would look for a script of that name first.
    env: { ...process.env, BUN_BE_BUN: "1" }
  })
  assert.strictEqual(done.status, 0, done.stderr + done.stdout)
  return done.stdout
}

describe("tables, migrations and dump", () => {
  const databases: Array<TestDatabase> = []
  const fresh = async () => {
    const database = await createTestDatabase({ template: false })
    databases.push(database)
    return database
  }
  let migrated: ReadonlyArray<SchemaDumpRow>
  beforeAll(async () => {
    migrated = await on(await fresh(), Effect.andThen(Migrator.migrate(folder), dumpRows))
  })
  afterAll(() => Promise.all(databases.map((database) => database.close())))

  it("agree: the migrations give the committed dump (update it with `pnpm test -u`)", async () => {
    await expect(renderSchemaDump(migrated)).toMatchFileSnapshot(join(folder, "schema.sql"))
  })

  it("agree: the tables give what the migrations give, apart from functions and triggers", async () => {
    const statements = kit("export", "--sql").split(/;\s*\n/).map((text) => text.trim()).filter((text) => text !== "")
    const database = await fresh()
    for (const statement of statements) await database.admin(statement)
    const exported = await on(database, dumpRows)
    const declared = migrated.filter((row) => row.kind !== "function" && row.kind !== "trigger")
    assert.strictEqual(renderSchemaDump(exported), renderSchemaDump(declared))
  }, 60_000)

  it("agree: drizzle-kit finds nothing to generate", () => {
    mkdirSync(join(root, ".data"), { recursive: true })
    const copy = mkdtempSync(join(root, ".data", "kit-"))
    try {
      cpSync(folder, copy, { recursive: true })
      const before = readdirSync(copy)
      const said = kit(
        "generate",
        "--dialect",
        "postgresql",
        "--schema",
        "packages/schema/src/index.ts",
        "--out",
        relative(root, copy)
      )
      assert.match(said, /no schema changes/i)
      assert.deepStrictEqual(readdirSync(copy), before)
    } finally {
      rmSync(copy, { recursive: true })
    }
  }, 60_000)

  it("sees an added column", async () => {
    const database = await createTestDatabase()
    databases.push(database)
    await database.admin("alter table users add column extra int")
    assert.notStrictEqual(renderSchemaDump(await on(database, dumpRows)), renderSchemaDump(migrated))
  })
})
