import * as AccessTables from "@ems/access/AccessTables"
import { Accounts } from "@ems/access/Accounts"
import { Bootstrap } from "@ems/access/Bootstrap"
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import * as AccessContract from "@ems/schema/contract/Access"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { canary, get, makeApp, problemOf, unlimited } from "./support.ts"

type Made = Awaited<ReturnType<typeof makeApp>>

const exact = { onExcessProperty: "error" } as const
const sessionOf = Schema.decodeUnknownSync(AccessContract.Session, exact)
const password = `${canary}-a-phrase-of-some-length`

describe("access over HTTP", () => {
  let database: TestDatabase
  let made: Made
  const others: Array<Made> = []

  const send = (method: string, path: string, body?: unknown, bearer?: string, to = made) =>
    to.app.handle(get(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` })
      }
    }))
  const post = (path: string, body: unknown, bearer?: string, to?: Made) => send("POST", path, body, bearer, to)
  const login = async (email: string, to?: Made) =>
    sessionOf(await (await post("/api/auth/login", { email, password }, undefined, to)).json())

  beforeAll(async () => {
    database = await createTestDatabase()
    made = await makeApp(database.url, { auth: "on" })
    await Effect.runPromise(Effect.provideContext(AccessTables.install, made.context))
  })
  afterAll(async () => {
    for (const { dispose } of [made, ...others]) await dispose()
    await database.close()
  })

  it("makes the first administrator once, for who has the token", async () => {
    const token = await Effect.runPromise(Effect.provideContext(Bootstrap.use(({ issue }) => issue), made.context))
    const admin = { email: "first@example.org", password }
    expect((await post("/api/auth/first-admin", { token: `${token}x`, ...admin })).status).toBe(401)
    const weak = await post("/api/auth/first-admin", { token, ...admin, password: "short" })
    expect((await problemOf(weak)).reason).toBe("WeakPassword")
    const response = await post("/api/auth/first-admin", { token, ...admin })
    expect(response.status).toBe(201)
    const { accessToken } = sessionOf(await response.json())
    const me = await (await send("GET", "/api/auth/me", undefined, accessToken)).json()
    expect(me).toMatchObject({ kind: "user", name: "first@example.org", role: "admin" })
    expect((await post("/api/auth/first-admin", { token, ...admin, email: "second@example.org" })).status).toBe(401)
  })

  it("logs in, and says the same of a wrong password and of nobody", async () => {
    const session = await login("FIRST@example.org ")
    expect(session).toMatchObject({ tokenType: "Bearer", expiresIn: 600 })
    const [wrong, nobody] = [
      await post("/api/auth/login", { email: "first@example.org", password: `${password}x` }),
      await post("/api/auth/login", { email: "nobody@example.org", password })
    ]
    const [a, b] = [await problemOf(wrong), await problemOf(nobody)]
    expect([a.status, a.reason, a.detail]).toEqual([b.status, b.reason, b.detail])
    expect([a.status, a.reason]).toEqual([401, "InvalidCredentials"])
  })

  it("exchanges a refresh token once; a second time ends the session", async () => {
    const first = await login("first@example.org")
    const second = sessionOf(await (await post("/api/auth/refresh", { refreshToken: first.refreshToken })).json())
    expect(second.refreshToken).not.toBe(first.refreshToken)
    expect((await send("GET", "/api/auth/me", undefined, second.accessToken)).status).toBe(200)
    const reused = await post("/api/auth/refresh", { refreshToken: first.refreshToken })
    expect((await problemOf(reused)).reason).toBe("InvalidToken")
    expect((await post("/api/auth/refresh", { refreshToken: second.refreshToken })).status).toBe(401)
    expect((await send("GET", "/api/auth/me", undefined, second.accessToken)).status).toBe(401)
  })

  it("logs out", async () => {
    const { accessToken, refreshToken } = await login("first@example.org")
    expect((await post("/api/auth/logout", { refreshToken })).status).toBe(204)
    expect((await post("/api/auth/refresh", { refreshToken })).status).toBe(401)
    expect((await send("GET", "/api/auth/me", undefined, accessToken)).status).toBe(401)
    expect((await post("/api/auth/logout", { refreshToken })).status).toBe(204)
  })

  it("makes, lists and revokes the tokens of machines, and keeps a record of that", async () => {
    const { accessToken } = await login("first@example.org")
    const response = await post(
      "/api/auth/tokens",
      { name: "scraper", role: "viewer", scopes: ["metrics:read"] },
      accessToken
    )
    expect(response.status).toBe(201)
    const { id, token } = Schema.decodeUnknownSync(AccessContract.IssuedMachineToken, exact)(await response.json())
    expect((await send("GET", "/metrics", undefined, token)).status).toBe(200)
    const list = await (await send("GET", "/api/auth/tokens", undefined, accessToken)).text()
    expect(list).not.toContain(token)
    const { items } = Schema.decodeUnknownSync(AccessContract.MachineTokens, exact)(JSON.parse(list))
    expect(items.find((one) => one.id === id)).toMatchObject({ name: "scraper", scopes: ["metrics:read"] })
    expect((await send("DELETE", `/api/auth/tokens/${id}`, undefined, accessToken)).status).toBe(204)
    expect((await send("DELETE", `/api/auth/tokens/${id}`, undefined, accessToken)).status).toBe(404)
    expect((await send("GET", "/metrics", undefined, token)).status).toBe(401)
    const log = await (await send("GET", "/api/audit?limit=3", undefined, accessToken)).json()
    const { items: entries } = Schema.decodeUnknownSync(AccessContract.AuditLog, exact)(log)
    expect(
      entries.map(({ action, actorName, detail, outcome, target }) => [action, target, actorName, outcome, detail])
    )
      .toEqual([
        ["token.revoke", id, "first@example.org", "failed", "UnknownToken"],
        ["token.revoke", id, "first@example.org", "succeeded", null],
        ["token.create", "scraper", "first@example.org", "succeeded", null]
      ])
    const before = await (await send("GET", `/api/audit?before=${entries[1]?.id}`, undefined, accessToken)).json()
    expect((before as { items: ReadonlyArray<unknown> }).items).toEqual([entries[2]])
  })

  it.each([
    [{ name: "x", role: "viewer", scopes: ["access:manage"] }, 422],
    [{ name: "", role: "viewer" }, 422],
    [{ name: " ", role: "viewer" }, 422],
    [{ name: "y", role: "root" }, 422],
    [{ name: "z", role: "viewer", expiresAt: "tomorrow" }, 422],
    [{ name: "scraper2", role: "viewer", owner: "me" }, 422]
  ])("makes no token of %j", async (body, status) => {
    const { accessToken } = await login("first@example.org")
    expect((await post("/api/auth/tokens", body, accessToken)).status).toBe(status)
    // Whatever was refused, the record of it can be read.
    const log = await send("GET", "/api/audit", undefined, accessToken)
    Schema.decodeUnknownSync(AccessContract.AuditLog, exact)(await log.json())
  })

  it("slows guessing, by address and by account", async () => {
    const slow = await makeApp(database.url, { auth: "on", limits: { ...unlimited, account: 3 } })
    others.push(slow)
    const wrong = { email: "first@example.org", password: `${password}x` }
    const statuses: Array<number> = []
    for (let at = 0; at < 5; at++) statuses.push((await post("/api/auth/login", wrong, undefined, slow)).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    // Another one's are counted apart.
    expect((await post("/api/auth/login", { ...wrong, email: "x@example.org" }, undefined, slow)).status).toBe(401)
  })

  it("logs no password, no token and no e-mail", async () => {
    await Effect.runPromise(Effect.provideContext(
      Accounts.use(({ create }) =>
        create({ email: "second@example.org", password: Redacted.make(password), role: "viewer" })
      ),
      made.context
    ))
    const { accessToken, refreshToken } = await login("second@example.org")
    await send("GET", "/api/auth/me", undefined, accessToken)
    await post("/api/auth/refresh", { refreshToken })
    await post("/api/auth/refresh", { refreshToken })
    const text = JSON.stringify(made.lines)
    expect(text).toContain("presented again")
    for (const secret of [password, "example.org", accessToken, refreshToken]) expect(text).not.toContain(secret)
  })
})
