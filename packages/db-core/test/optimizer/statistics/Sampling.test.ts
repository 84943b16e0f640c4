import { createTestDatabase } from "@ems/db-testing/TestDatabase"
import { defineRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { expect, it } from "vitest"
import * as Deltas from "../../../src/catalog/StatementDeltas.ts"
import { Database } from "../../../src/connection/Database.ts"
import * as DbCore from "../../../src/DbCore.ts"
import * as ObjectStore from "../../../src/migration/ObjectSamples.ts"
import * as Store from "../../../src/migration/StatementDeltas.ts"
import * as Sampling from "../../../src/optimizer/statistics/Sampling.ts"

const relations = defineRelations({}, () => ({}))

it("looks while callers ask, not while nobody does, and once more at the end", { timeout: 30_000 }, async () => {
  const database = await createTestDatabase({ template: false })
  await database.admin("create extension pg_stat_statements")
  const open = (interval: number) =>
    ManagedRuntime.make(
      Sampling.layer({ interval }).pipe(
        Layer.provideMerge(DbCore.layerOf(relations, { url: database.url, cacheFeed: "none" }))
      )
    )
  const first = open(100)
  await first.runPromise(Store.install)
  const ask = (runtime: typeof first) =>
    runtime.runPromise(Database.use((db) => db.query((d) => d.execute(sql`select 4711 as asked`))))
  const lastLook = async () => (await database.admin("select at::text from ems_internal.statement_sample"))[0]?.["at"]
  const until = async (holds: () => Promise<boolean>) => {
    while (!await holds()) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await ask(first)
  await until(async () => await lastLook() !== undefined)
  await new Promise((resolve) => setTimeout(resolve, 250))
  const quiet = await lastLook()
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await lastLook()).toBe(quiet)
  await ask(first)
  await until(async () => await lastLook() !== quiet)
  await first.dispose()

  const before = await lastLook()
  const second = open(60_000)
  await ask(second)
  await second.dispose()
  expect(await lastLook()).not.toBe(before)

  const third = open(60_000)
  const top = await third.runPromise(Effect.orDie(Deltas.top({ since: Date.now() - 7_200_000 })))
  expect(top.isAvailable && top.rows.some(({ query }) => query === "select ? as asked")).toBe(true)
  await third.dispose()
  await database.close()
})

it("samples objects beside it, at their own pace, without the extension, too", { timeout: 30_000 }, async () => {
  const database = await createTestDatabase({ template: false })
  const looks = async () =>
    Number((await database.admin("select count(distinct at)::int4 as n from ems_internal.object_sample"))[0]?.["n"])
  const runtime = ManagedRuntime.make(
    Sampling.layer({ interval: 50, objectInterval: 400 }).pipe(
      Layer.provideMerge(DbCore.layerOf(relations, { url: database.url, cacheFeed: "none" }))
    )
  )
  await runtime.runPromise(ObjectStore.install)
  const ask = () => runtime.runPromise(Database.use((db) => db.query((d) => d.execute(sql`select 4711 as asked`))))
  const begun = performance.now()
  while (await looks() < 3) {
    await ask()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(performance.now() - begun).toBeGreaterThan(2 * 400)
  // By default the next one is an hour later, also at the end.
  const last = ManagedRuntime.make(
    Sampling.layer({ interval: 50 }).pipe(
      Layer.provideMerge(DbCore.layerOf(relations, { url: database.url, cacheFeed: "none" }))
    )
  )
  await runtime.dispose()
  const before = await looks()
  await last.runPromise(Database.use((db) => db.query((d) => d.execute(sql`select 4711 as asked`))))
  await new Promise((resolve) => setTimeout(resolve, 300))
  await last.dispose()
  expect(await looks()).toBe(before)
  await database.close()
})
