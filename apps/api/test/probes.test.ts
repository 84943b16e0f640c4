import { Database } from "@ems/db-core/connection/Database"
import { HealthCheck } from "@ems/db-core/connection/HealthCheck"
import { Pool } from "@ems/db-core/connection/Pool"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { HealthStatusOnly } from "@ems/schema/contract/Health"
import { Ready } from "@ems/schema/contract/Probe"
import { sql } from "drizzle-orm"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as net from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { blackHole, deadUrl, get, makeApp, problemOf } from "./support.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
})
afterAll(() => database.close())

const timed = async (answer: () => Promise<Response>) => {
  const startedAt = performance.now()
  const response = await answer()
  return { response, ms: performance.now() - startedAt }
}

const strictly = { onExcessProperty: "error" } as const

describe("GET /livez", () => {
  it("answers 200 without a database", async () => {
    const { app, dispose } = await makeApp(deadUrl)
    const response = await app.handle(get("/livez"))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "live" })
    expect((await app.handle(get("/livez", { method: "HEAD" }))).status).toBe(200)
    await dispose()
  })
})

describe("GET /readyz", () => {
  it("is ready at the first question, with a database that answers, and stays so", async () => {
    const { app, dispose } = await makeApp(database.url)
    let response = await app.handle(get("/readyz"))
    // A first connection may take longer than who asks is kept waiting.
    for (let left = 100; left > 0 && response.status !== 200; left--) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      response = await app.handle(get("/readyz"))
    }
    expect(response.status).toBe(200)
    expect(Schema.decodeUnknownSync(Ready, strictly)(await response.json())).toEqual({ status: "ready" })
    await dispose()
  })

  it.each(["refused", "silent"])(
    "answers 503 at once when connections are %s, and says when to ask again",
    async (how) => {
      const hole = await blackHole()
      const { app, dispose } = await makeApp(how === "silent" ? hole.url : deadUrl)
      for (let i = 0; i < 3; i++) {
        const { ms, response } = await timed(() => app.handle(get("/readyz")))
        expect(ms).toBeLessThan(150)
        expect(response.status).toBe(503)
        expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0)
        expect((await problemOf(response)).reason).toBe("DatabaseDown")
      }
      await dispose()
      await hole.close()
    }
  )

  it("is ready again when the database is, though nobody but the orchestrator asks", async () => {
    const real = new URL(database.url)
    const sockets = new Set<net.Socket>()
    const way = net.createServer((socket) => {
      const server = net.connect(Number(real.port), real.hostname)
      for (const one of [socket, server]) sockets.add(one.on("error", () => undefined))
      socket.pipe(server).pipe(socket)
    })
    const listen = (port: number) => new Promise<void>((resolve) => way.listen(port, "127.0.0.1", () => resolve()))
    const close = () => new Promise<void>((resolve) => way.close(() => resolve()))
    await listen(0)
    const { port } = way.address() as net.AddressInfo
    await close()

    const blocked = new URL(database.url)
    blocked.host = `127.0.0.1:${port}`
    const { app, dispose } = await makeApp(blocked.href)
    await app.handle(get("/readyz"))
    expect((await app.handle(get("/readyz"))).status).toBe(503)
    await listen(port)
    let status = 503
    for (let left = 150; left > 0 && status !== 200; left--) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      status = (await app.handle(get("/readyz"))).status
    }
    expect(status).toBe(200)
    await dispose()
    for (const socket of sockets) socket.destroy()
    await close()
  })

  it("answers 503 from the moment the process is told to end", async () => {
    const { app, context, dispose } = await makeApp(database.url)
    await app.handle(get("/api/db/health"))
    expect((await app.handle(get("/readyz"))).status).toBe(200)
    await Effect.runPromiseWith(context)(HealthCheck.use((health) => health.drain))
    const response = await app.handle(get("/readyz"))
    expect(response.status).toBe(503)
    expect(response.headers.get("retry-after")).toBe("5")
    expect((await problemOf(response)).reason).toBe("Draining")
    expect((await app.handle(get("/livez"))).status).toBe(200)
    await dispose()
  })

  it("answers within 50 ms while callers have every connection, and takes none", async () => {
    const { app, context, dispose } = await makeApp(database.url)
    await app.handle(get("/api/db/health"))
    const run = Effect.runPromiseWith(context)
    const held = await run(Effect.gen(function*() {
      const { max } = yield* Pool.use((pool) => pool.snapshot)
      const gate = yield* Deferred.make<void>()
      const inside = yield* Effect.forEach(Array.from({ length: max }), () => Deferred.make<void>())
      const fibers = yield* Effect.forEach(inside, (entered) =>
        Effect.forkDetach(
          Database.use((db) =>
            db.transaction((tx) =>
              tx.execute(sql`select 1`).pipe(
                Effect.andThen(Deferred.succeed(entered, undefined)),
                Effect.andThen(Deferred.await(gate))
              )
            )
          )
        ))
      yield* Effect.forEach(inside, Deferred.await)
      return { max, gate, fibers }
    }))
    const before = await run(Pool.use((pool) => pool.snapshot))
    expect(before.acquired).toBe(held.max)
    // One more, who waits for the next connection that comes back.
    const waiting = run(Database.use((db) => db.query((d) => d.execute(sql`select 2`))))
    // Until the last answer is so old that a probe would be wanted.
    await new Promise((resolve) => setTimeout(resolve, 2300))
    await app.handle(get("/livez"))
    for (const path of ["/livez", "/readyz", "/api/db/health"]) {
      const { ms, response } = await timed(() => app.handle(get(path)))
      expect([path, response.status]).toEqual([path, 200])
      expect(ms).toBeLessThan(50)
    }
    const after = await run(Pool.use((pool) => pool.snapshot))
    expect(after.acquireCount).toBe(before.acquireCount)
    expect(after.waiting).toBe(1)
    await run(Effect.andThen(Deferred.succeed(held.gate, undefined), Effect.forEach(held.fibers, Fiber.await)))
    await waiting
    await dispose()
  })
})

describe("GET /api/db/health without a token", () => {
  it.each([["works", 200], ["does not", 503]] as const)("tells whether it %s, and no more", async (how, status) => {
    const { app, dispose } = await makeApp(how === "works" ? database.url : deadUrl, { auth: "on" })
    const response = await app.handle(get("/api/db/health"))
    expect(response.status).toBe(status)
    Schema.decodeUnknownSync(HealthStatusOnly, strictly)(await response.json())
    await dispose()
  })
})
