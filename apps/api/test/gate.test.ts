import * as AccessTables from "@ems/access/AccessTables"
import { Accounts } from "@ems/access/Accounts"
import { MachineTokens, type NewMachineToken } from "@ems/access/MachineTokens"
import type { Role } from "@ems/access/Role"
import { Sessions } from "@ems/access/Sessions"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { only } from "../src/http/Access.ts"
import { get, makeApp, problemOf, unlimited } from "./support.ts"

type Made = Awaited<ReturnType<typeof makeApp>>

const password = Redacted.make("a-long-and-unheard-of-phrase-41")

describe("the gate", () => {
  let database: TestDatabase
  let made: Made
  let tokens: { readonly [R in Role]: string }
  const others: Array<Made> = []

  const run = <A, E>(effect: Effect.Effect<A, E, Accounts | MachineTokens | Sessions>) =>
    Effect.runPromise(Effect.provideContext(effect, made.context))
  const ask = (path: string, bearer?: string, method = "GET", to = made) =>
    to.app.handle(get(path, { method, headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } }))
  const login = async (role: Role, email = `${role}@example.org`) => {
    await run(Accounts.use(({ create }) => create({ email, password, role })))
    return run(Sessions.use(({ login }) => login(email, password)))
  }
  const machine = (token: NewMachineToken) => run(MachineTokens.use(({ create }) => create(token)))
  const another = async (options: Parameters<typeof makeApp>[1]) => {
    const app = await makeApp(database.url, { auth: "on", ...options })
    others.push(app)
    return app
  }

  beforeAll(async () => {
    database = await createTestDatabase()
    made = await makeApp(database.url, { auth: "on" })
    await Effect.runPromise(Effect.provideContext(AccessTables.install, made.context))
    tokens = {
      viewer: (await login("viewer")).accessToken,
      operator: (await login("operator")).accessToken,
      admin: (await login("admin")).accessToken
    }
  })
  afterAll(async () => {
    for (const { dispose } of [made, ...others]) await dispose()
    await database.close()
  })

  it("asks for a token, and says how", async () => {
    const response = await ask("/api/db/cache")
    expect((await problemOf(response)).reason).toBe("NoToken")
    expect(response.status).toBe(401)
    expect(response.headers.get("www-authenticate")).toBe("Bearer")
  })

  it.each(["x", "ems_x", "a.b.c", `${"x".repeat(20)}.y.z`])("lets no %j in", async (bearer) => {
    const response = await ask("/api/db/cache", bearer)
    expect((await problemOf(response)).reason).toBe("InvalidToken")
    expect(response.status).toBe(401)
  })

  it("lets in who may, synchronously once it is known who that is", async () => {
    expect((await ask("/api/db/cache", tokens.viewer)).status).toBe(200)
    expect((await ask("/api/auth/tokens", tokens.viewer)).status).toBe(403)
    expect((await ask("/api/auth/tokens", tokens.operator)).status).toBe(403)
    expect((await ask("/api/auth/tokens", tokens.admin)).status).toBe(200)
  })

  it("narrows a machine's token to its scopes", async () => {
    const { token } = await machine({ name: "scraper", role: "admin", scopes: ["metrics:read"] })
    expect((await ask("/metrics", token)).status).toBe(200)
    const refused = await ask("/api/db/cache", token)
    expect((await problemOf(refused)).detail).toContain("database:read")
    expect(refused.status).toBe(403)
  })

  it("refuses a token at once that was revoked here, and within a second one that was revoked elsewhere", async () => {
    const { id, token } = await machine({ name: "short", role: "viewer" })
    const elsewhere = await another({})
    for (const to of [made, elsewhere]) expect((await ask("/api/db/cache", token, "GET", to)).status).toBe(200)
    expect((await ask(`/api/auth/tokens/${id}`, tokens.admin, "DELETE")).status).toBe(204)
    expect((await ask("/api/db/cache", token)).status).toBe(401)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect((await ask("/api/db/cache", token, "GET", elsewhere)).status).toBe(401)
  })

  it("tells less to those who may see less, where a route is for everybody", async () => {
    const anonymous: unknown = await (await ask("/api/db/health")).json()
    const viewer: unknown = await (await ask("/api/db/health", tokens.viewer)).json()
    expect(anonymous).not.toHaveProperty("database")
    expect(viewer).toHaveProperty("database")
    expect((await ask("/api/db/health", "wrong")).status).toBe(401)
  })

  it.each([
    "/api/db/cache/",
    "//api/db/cache",
    "/api/db/cache?x",
    "/api/db/./cache",
    "/api/db/%63ache",
    "/API/db/cache"
  ])(
    "opens nothing by another spelling: %s",
    async (path) => {
      expect([401, 404]).toContain((await ask(path)).status)
    }
  )

  it("counts what an address asks, and what was no good", async () => {
    const app = await another({ limits: { ...unlimited, address: 10, failure: 3 } })
    const statuses: Array<number> = []
    for (let at = 0; at < 5; at++) statuses.push((await ask("/api/db/cache", "wrong", "GET", app)).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    // Nor is anybody looked up meanwhile who was not known before.
    expect((await ask("/api/auth/me", tokens.viewer, "GET", app)).status).toBe(429)
    const rest: Array<number> = []
    for (let at = 0; at < 6; at++) rest.push((await ask("/livez", undefined, "GET", app)).status)
    expect(rest).toEqual([200, 200, 200, 200, 429, 429])
    const refused = await ask("/livez", undefined, "GET", app)
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0)
    expect((await problemOf(refused)).reason).toBe("RateLimited")
  })

  it("is not made with a route that nobody guards", async () => {
    const app = await another({})
    const bare = app.app.get("/bare", () => "x")
    expect((await bare.handle(get("/bare"))).status).toBe(500)
    const guarded = (await another({})).app
      .get("/guarded", () => "x", { detail: only("admin", "access:manage", { summary: "x", tags: [] }) })
    expect((await guarded.handle(get("/guarded"))).status).toBe(401)
  })
})
