import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { Health } from "@ems/schema/contract/Health"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { blackHole, canary, deadUrl, get, makeApp } from "./support.ts"

const decode = Schema.decodeUnknownSync(Health, { onExcessProperty: "error" })

describe("GET /api/db/health", () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database.close())

  it("answers 200 in the contract's shape on a database that answers", async () => {
    const { app, dispose } = await makeApp(database.url)
    const response = await app.handle(get("/api/db/health"))
    const health = decode(await response.json())
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toContain("application/json")
    expect(response.headers.get("cache-control")).toBe("no-store")
    expect(health.status).toBe("healthy")
    expect(health.database.connection).toBe("connected")
    expect(health.database.connectionCount).toBe(1)
    expect(health.database.errorCount).toBe(0)
    expect(health.database.lastHealthCheck).not.toBeNull()
    expect(health.performance.pool.max).toBe(10)
    await dispose()
  })

  it("answers HEAD with the same status and no body", async () => {
    const { app, dispose } = await makeApp(database.url)
    const response = await app.handle(get("/api/db/health", { method: "HEAD" }))
    expect(response.status).toBe(200)
    expect(await response.text()).toBe("")
    await dispose()
  })

  it.each([
    ["refused", "The database does not answer."],
    // A first connection may take longer than an asker is kept waiting.
    ["silent", "Nothing is known of the database yet."]
  ])(
    "answers 503 within 3 s when connections are %s, and gives nothing away",
    async (how, message) => {
      const hole = await blackHole()
      const { app, dispose, lines } = await makeApp(how === "silent" ? hole.url : deadUrl)
      const startedAt = performance.now()
      const response = await app.handle(get("/api/db/health"))
      const tookMs = performance.now() - startedAt
      const text = await response.text()
      const health = decode(JSON.parse(text))
      expect(response.status).toBe(503)
      expect(tookMs).toBeLessThan(3000)
      expect(health.status).toBe("unhealthy")
      expect(health.database.connection).toBe("disconnected")
      expect(health.message).toBe(message)
      expect(text).not.toContain(canary)
      expect(text).not.toContain("127.0.0.1")
      expect(lines.some(({ level }) => level === "WARN")).toBe(true)
      expect(JSON.stringify(lines)).not.toContain(canary)
      await dispose()
      await hole.close()
    }
  )
})
