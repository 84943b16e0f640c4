import { defineRelations } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { describe, expect } from "vitest"
import { activity } from "../../src/catalog/activity.ts"
import { activityChecks } from "../../src/catalog/activityChecks.ts"
import { Catalog } from "../../src/catalog/Catalog.ts"
import type { CatalogQuery } from "../../src/catalog/CatalogQuery.ts"
import { connections } from "../../src/catalog/connections.ts"
import { serverOverview } from "../../src/catalog/serverOverview.ts"
import { statementTotals } from "../../src/catalog/statementTotals.ts"
import * as DbCore from "../../src/DbCore.ts"
import { situation } from "./support.ts"

const relations = defineRelations({}, () => ({}))

const queries: ReadonlyArray<CatalogQuery<unknown>> = [
  ...activityChecks.map(({ query }) => query),
  activity,
  connections,
  serverOverview,
  statementTotals
]

describe("checks of activity", () => {
  situation("have a name, a title and a source for each figure", async ({ findings }) => {
    expect(new Set(activityChecks.map(({ name }) => name)).size).toBe(activityChecks.length)
    for (const { name, thresholds, title } of activityChecks) {
      expect(title).not.toBe("")
      for (const { source } of Object.values(thresholds)) expect(source, name).toMatch(/\w{4}/)
    }
    expect(await findings("setting")).toBeInstanceOf(Array)
  })

  situation("can be asked by a role without rights, which is told what it does not see", async ({ admin, url }) => {
    const role = `plain_${new URL(url).pathname.slice(1)}`
    await admin(
      `create role ${role} login password 'plain'`,
      "create table t (id serial)",
      "create extension pg_stat_statements"
    )
    const address = new URL(url)
    address.username = role
    address.password = "plain"
    try {
      const answers = await Effect.runPromise(
        Effect.forEach(queries, (query) => Catalog.use((catalog) => catalog.read(query))).pipe(
          Effect.provide(DbCore.layerOf(relations, { url: address.href, cacheFeed: "none" }))
        )
      )
      for (const [at, answer] of answers.entries()) {
        expect(answer.isAvailable ? "" : answer.unavailable.text, queries[at]?.name).toBe("")
      }
      const notes = answers.flatMap((answer) => answer.isAvailable ? answer.notes : [])
      expect(notes.filter((note) => note.includes("pg_read_all_stats")).length).toBeGreaterThanOrEqual(5)
    } finally {
      await admin(`drop role ${role}`)
    }
  }, { embedded: false })
})
