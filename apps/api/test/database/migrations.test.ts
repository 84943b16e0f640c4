import * as Migrator from "@ems/db-core/migration/Migrator"
import { Migrations } from "@ems/schema/contract/Migrations"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { expect, it } from "vitest"
import { migrationsFolder } from "../../src/Migrations.ts"
import { onDatabase } from "./support.ts"

const names = fs.readdirSync(migrationsFolder).filter((name) => /^\d{14}_/.test(name)).toSorted()

it("tells what is pending, and what was applied", () =>
  onDatabase(async (stage) => {
    const before = await stage.ask("/api/db/migrations", Migrations)
    expect(before.items.map(({ name, state }) => [name, state])).toEqual(names.map((name) => [name, "pending"]))
    await stage.run(Migrator.migrate(migrationsFolder))
    const after = await stage.ask("/api/db/migrations?sort=-name&limit=1", Migrations)
    expect(after.counts).toEqual({ applied: names.length, pending: 0, begun: 0, edited: 0, missing: 0 })
    expect(after).toMatchObject({
      total: names.length,
      unavailable: null,
      items: [{ name: names.at(-1), state: "applied", isEdited: false, isMissing: false }]
    })
  }))

const inFolder = async (body: (folder: string) => Promise<void>) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "migrations-"))
  try {
    await body(folder)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

it("tells of files that have changed or gone since", () =>
  inFolder((folder) =>
    onDatabase(async (stage) => {
      const write = (name: string, text: string) => {
        fs.mkdirSync(path.join(folder, name), { recursive: true })
        fs.writeFileSync(path.join(folder, name, "migration.sql"), text)
      }
      write("20260101000000_first", "create table a (id int primary key);")
      write("20260102000000_second", "create table b (id int primary key);")
      await stage.run(Migrator.migrate(folder))
      write("20260101000000_first", "create table a (id bigint primary key);")
      fs.rmSync(path.join(folder, "20260102000000_second"), { recursive: true })
      write("20260103000000_third", "create table c (id int primary key);")
      const { counts, items } = await stage.ask("/api/db/migrations", Migrations)
      expect(counts).toEqual({ applied: 2, pending: 1, begun: 0, edited: 1, missing: 1 })
      expect(items).toMatchObject([{ isEdited: true }, { isMissing: true }, { state: "pending" }])
    }, { migrations: folder })
  ))

it("says that it does not find the files, and where it would not tell", () =>
  inFolder((folder) =>
    onDatabase(async (stage) => {
      const answer = await stage.ask("/api/db/migrations", Migrations)
      expect(answer).toMatchObject({ items: [], unavailable: { because: "files" } })
      expect(JSON.stringify(answer)).not.toContain(folder)
    }, { migrations: path.join(folder, "nowhere") })
  ))
