import { createTestDatabase } from "@ems/db-testing"
import { Cache } from "@ems/schema/contract/Cache"
import * as Schema from "effect/Schema"
import { expect, it } from "vitest"
import { canary, deadUrl, get, makeApp } from "./support.ts"

const decode = Schema.decodeUnknownSync(Cache, { onExcessProperty: "error" })

it("tells of every table whether answers from it are cached", async () => {
  const database = await createTestDatabase()
  const { app, dispose } = await makeApp(database.url)
  const response = await app.handle(get("/api/db/cache"))
  expect(response.status).toBe(200)
  const cache = decode(await response.json())
  expect(cache.tables).toContainEqual({ name: "public.events", bypass: "untracked" })
  expect(cache.reads).toEqual({ hits: 0, revalidated: 0, joined: 0, shared: 0, misses: 0, bypasses: {} })
  expect(cache.level2).toBeNull()
  await dispose()
  await database.close()
})

it("gives nothing away when the database does not answer", async () => {
  const { app, dispose } = await makeApp(deadUrl)
  const response = await app.handle(get("/api/db/cache"))
  expect(response.status).toBe(503)
  expect(await response.text()).not.toContain(canary)
  await dispose()
})
