import * as AccessTables from "@ems/access/AccessTables"
import { createTestDatabase } from "@ems/db-testing"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { get, makeApp } from "./support.ts"

it("stops working at the server for a client that went away", async () => {
  const database = await createTestDatabase()
  const { app, context, dispose } = await makeApp(database.url)
  await Effect.runPromise(Effect.provideContext(AccessTables.install, context))
  const client = new AbortController()
  const sleeping = async () =>
    (await database.admin(
      "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    ))
      .length
  const until = async (count: number) => {
    for (let left = 100; left > 0 && await sleeping() !== count; left--) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(await sleeping()).toBe(count)
  }
  const answer = app.handle(get("/api/db/explain", {
    method: "POST",
    signal: client.signal,
    body: JSON.stringify({ sql: "select pg_sleep(60)", analyze: true, timeoutMs: 30_000 }),
    headers: { "content-type": "application/json" }
  }))
  await until(1)
  client.abort()
  expect((await answer).status).toBe(499)
  await until(0)
  await dispose()
  await database.close()
})
