import { createTestDatabase, databaseUrl, withClient } from "@ems/db-testing"
import { indexCatalog } from "@ems/schema"
import { Init } from "@ems/schema/contract/Init"
import { Seed } from "@ems/schema/contract/Seed"
import * as Schema from "effect/Schema"
import { expect, inject, test } from "vitest"
import { emsdb, oneJson } from "./Emsdb.ts"

const decode = (text: string) => Schema.decodeUnknownSync(Init)(oneJson(text))
const names = indexCatalog.map(({ name }) => name)

test("makes everything on an empty database, and nothing the second time", async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  const first = await emsdb(["init", "--json"], url)
  expect(first).toMatchObject({ code: 0, stderr: "" })
  const made = decode(first.stdout)
  expect(made.schema).toEqual({ name: "ems_internal", created: true })
  expect(made.database.created).toBe(false)
  expect(made.migrations.applied.length).toBeGreaterThan(0)
  expect(made.migrations.applied.every(({ appliedNow }) => appliedNow)).toBe(true)
  expect(made.migrations.pending).toBe(0)
  expect([...made.indexes.present, ...made.indexes.created].toSorted()).toEqual(names.toSorted())

  const second = await emsdb(["init", "--json"], url)
  expect(second).toMatchObject({ code: 0, stderr: "" })
  const again = decode(second.stdout)
  expect(again.schema.created).toBe(false)
  expect(again.migrations.applied.map(({ appliedNow }) => appliedNow)).toEqual(made.migrations.applied.map(() => false))
  expect(again.indexes).toEqual({ present: names, created: [], missing: [], invalid: [] })
  expect(again.statistics.analyzed).toBe(0)
  expect(await admin("select count(*)::int as n from users")).toEqual([{ n: 0 }])
  await close()
})

test("creates a missing database", async () => {
  const name = `${inject("databasePrefix")}created_by_init`
  const server = inject("postgresUrl")
  const url = databaseUrl(server, name)
  const { code, stdout } = await emsdb(["init", "--json"], url)
  expect(code).toBe(0)
  expect(decode(stdout).database).toEqual({ name, created: true })
  const { rows } = await withClient(
    server,
    (client) => client.query("select 1 as there from pg_database where datname = $1", [name])
  )
  expect(rows).toEqual([{ there: 1 }])
})

test("builds an index of the catalog that was dropped", async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  await emsdb(["init"], url)
  await admin("drop index idx_events_venue")
  const { code, stdout } = await emsdb(["init"], url)
  expect(code).toBe(0)
  expect(stdout).toContain("index idx_events_venue: created\n")
  expect(stdout).toContain("indexes: 1 created, 16 already there\n")
  const valid = await admin("select indisvalid as valid from pg_index where indexrelid = 'idx_events_venue'::regclass")
  expect(valid).toEqual([{ valid: true }])
  await close()
})

test("builds an index again that is there and invalid", async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  await emsdb(["init"], url)
  await admin("update pg_index set indisvalid = false where indexrelid = 'idx_events_venue'::regclass")
  const { code, stderr, stdout } = await emsdb(["init", "--json"], url)
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(decode(stdout).indexes).toMatchObject({ created: ["idx_events_venue"], missing: [], invalid: [] })
  expect(await admin("select from pg_index where not indisvalid")).toEqual([])
  await close()
})

test("ten at once: all succeed, and each migration is applied once", { timeout: 60_000 }, async () => {
  const { close, url } = await createTestDatabase({ template: false })
  const all = await Promise.all(Array.from({ length: 10 }, () => emsdb(["init", "--json"], url)))
  expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual(all.map(() => ({ code: 0, stderr: "" })))
  const results = all.map(({ stdout }) => decode(stdout))
  const applications = new Map<string, number>()
  for (const { migrations } of results) {
    expect(migrations.pending).toBe(0)
    for (const { appliedNow, name } of migrations.applied) {
      applications.set(name, (applications.get(name) ?? 0) + (appliedNow ? 1 : 0))
    }
  }
  expect(applications.size).toBeGreaterThan(0)
  expect(new Set(applications.values())).toEqual(new Set([1]))
  await close()
})

test("--seed adds the sample, and each half of the result is its own contract", async () => {
  const { admin, close, url } = await createTestDatabase({ template: false })
  const Both = Schema.Struct({ init: Init, seed: Seed })
  const first = await emsdb(["init", "--seed", "--json"], url)
  expect(first).toMatchObject({ code: 0, stderr: "" })
  const { seed } = Schema.decodeUnknownSync(Both)(oneJson(first.stdout))
  expect(seed).toMatchObject({ seeded: true, scale: 1, rows: { users: 1000, events: 200, registrations: 5000 } })
  expect(await admin("select count(*)::int as n from registrations")).toEqual([{ n: 5000 }])
  const second = await emsdb(["init", "--seed"], url)
  expect(second.code).toBe(0)
  expect(second.stdout).toContain(
    "not seeded: there are rows already in users, events, registrations, payment_history\n"
  )
  await close()
})
