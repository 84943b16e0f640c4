import { on, startWireProxy } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { SignJWT } from "jose"
import { randomUUID } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { scopesOf } from "../src/Role.ts"
import { bench, benchOfTest, canary, password, processOn, secret, somebody } from "./support.ts"

let b: Awaited<ReturnType<typeof bench>>
beforeAll(async () => {
  b = await bench()
})
afterAll(() => b.close())

const sessionOf = async (on: Pick<typeof b, "accounts" | "run" | "sessions"> = b) => {
  const email = somebody()
  const account = await on.run(on.accounts.create({ email, password: password(), role: "operator" }))
  return { account, session: await on.run(on.sessions.login(email, password())) }
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
const key = (text: string) => new TextEncoder().encode(text)
const ours = key(Redacted.value(secret))

describe("an access token", () => {
  it("is short-lived, and says what it is for", async () => {
    const { account, session } = await sessionOf()
    const [header, payload] = session.accessToken.split(".").slice(0, 2)
      .map((text) => JSON.parse(Buffer.from(text, "base64url").toString()) as Record<string, number | string>)
    expect(header).toEqual({ alg: "HS256", typ: "at+jwt" })
    expect(payload).toMatchObject({
      iss: "ems",
      aud: "ems-api",
      sub: account.id,
      sid: session.principal.sessionId,
      role: "operator"
    })
    expect(Number(payload!["exp"]) - Number(payload!["iat"])).toBe(600)
    expect(JSON.stringify(payload)).not.toContain("@")
    expect(await b.run(b.authentication.authenticate(session.accessToken))).toEqual(session.principal)
  })

  it("is refused when it is not ours", async () => {
    const { account, session } = await sessionOf()
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: "ems",
      aud: "ems-api",
      sub: account.id,
      sid: session.principal.sessionId,
      jti: randomUUID(),
      iat: now,
      exp: now + 600
    }
    const sign = (change: object, { alg = "HS256", by = ours, typ = "at+jwt" } = {}) =>
      new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg, typ }).sign(by)
    // What all the others differ from in one thing.
    await b.run(b.authentication.authenticate(await sign({})))
    const [header, payload, signature] = session.accessToken.split(".")
    const admin = part({ ...claims, sub: "1", role: "admin" })
    const cases: ReadonlyArray<readonly [string, string, string]> = [
      ["alg none", `${part({ alg: "none", typ: "at+jwt" })}.${payload}.`, "signature"],
      ["alg None", `${part({ alg: "None", typ: "at+jwt" })}.${payload}.${signature}`, "signature"],
      ["no alg", `${part({ typ: "at+jwt" })}.${payload}.${signature}`, "malformed"],
      ["HS512 of our key", await sign({}, { alg: "HS512", by: new Uint8Array([...ours, ...ours]) }), "signature"],
      ["another key", await sign({}, { by: key("x".repeat(32)) }), "signature"],
      ["a changed payload", `${header}.${admin}.${signature}`, "signature"],
      ["a cut signature", session.accessToken.slice(0, -3), "signature"],
      ["no signature", `${header}.${payload}.`, "signature"],
      ["another audience", await sign({ aud: "somebody" }), "malformed"],
      ["another issuer", await sign({ iss: "somebody" }), "malformed"],
      ["another type", await sign({}, { typ: "JWT" }), "malformed"],
      ["expired", await sign({ iat: now - 700, exp: now - 100 }), "expired"],
      ["for ten years", await sign({ iat: now - 700, exp: now + 315_360_000 }), "expired"],
      ["from the future", await sign({ iat: now + 60, exp: now + 600 }), "malformed"],
      ["no expiry", await sign({ exp: undefined }), "malformed"],
      ["not yet", await sign({ nbf: now + 60 }), "malformed"],
      ["no session", await sign({ sid: undefined }), "malformed"],
      ["a subject that is no id", await sign({ sub: "1 or true" }), "malformed"],
      ["nobody's session", await sign({ sid: randomUUID() }), "revoked"],
      ["somebody else's session", await sign({ sub: String(Number(account.id) + 1000) }), "revoked"],
      ["nothing", "", "malformed"],
      ["not a JWT", "a.b.c", "malformed"],
      ["huge", `${session.accessToken}${"x".repeat(3000)}`, "malformed"]
    ]
    const why = await Promise.all(
      cases.map(async ([name, token]) => [name, await b.reason(b.authentication.authenticate(token))])
    )
    expect(why).toEqual(cases.map(([name, , why]) => [name, { _tag: "InvalidToken", why }]))
  })

  it("expires, within the tolerance", async () => {
    const short = await benchOfTest({ accessTokenLife: 60, clockTolerance: 5 })
    const { session } = await sessionOf(short)
    await short.run(short.authentication.authenticate(session.accessToken))
    short.later(60_000)
    await short.run(short.authentication.authenticate(session.accessToken))
    short.later(6000)
    expect(short.authentication.tryKnown(session.accessToken)).toBeUndefined()
    expect(await short.reason(short.authentication.authenticate(session.accessToken))).toMatchObject({ why: "expired" })
  })

  it("is accepted while its key is being replaced, and not afterwards", async () => {
    const { session } = await sessionOf()
    const next = Redacted.make(Buffer.from("n".repeat(32)).toString("base64"))
    const during = await b.another({ secret: next, previousSecret: secret })
    await during.run(during.authentication.authenticate(session.accessToken))
    const after = await b.another({ secret: next })
    expect(await after.reason(after.authentication.authenticate(session.accessToken))).toMatchObject({
      why: "signature"
    })
  })

  it("is believed about its session, not about its role; a removed account has none", async () => {
    const { account, session } = await sessionOf()
    await b.run(b.authentication.authenticate(session.accessToken))
    await b.run(b.accounts.setRole(account.id, "viewer"))
    expect(b.authentication.tryKnown(session.accessToken)).toBeUndefined()
    const { role, scopes } = await b.run(b.authentication.authenticate(session.accessToken))
    expect([role, scopes]).toEqual(["viewer", scopesOf("viewer")])
    await b.run(b.accounts.remove(account.id))
    expect(await b.reason(b.authentication.authenticate(session.accessToken))).toMatchObject({ why: "revoked" })
  })
})

describe("what was found good", () => {
  it("is known for a second, and not asked for again", async () => {
    const { session } = await sessionOf()
    expect(b.authentication.tryKnown(session.accessToken)).toBeUndefined()
    await b.run(b.authentication.authenticate(session.accessToken))
    expect(b.authentication.tryKnown(session.accessToken)).toEqual(session.principal)
    b.later(1000)
    expect(b.authentication.tryKnown(session.accessToken)).toBeUndefined()
  })

  it("is refused by another process within a second of its end", async () => {
    const other = await b.another()
    const { session } = await sessionOf()
    const { id, token } = await b.run(b.tokens.create({ name: `t${randomUUID().slice(0, 8)}`, role: "viewer" }))
    for (const bearer of [session.accessToken, token]) await other.run(other.authentication.authenticate(bearer))
    await b.run(b.sessions.logout(session.refreshToken))
    await b.run(b.tokens.revoke(id))
    const begun = performance.now()
    const refusedAfter = async (bearer: string) => {
      for (;;) {
        const known = other.authentication.tryKnown(bearer)
        if (known === undefined) {
          const result = await other.run(Effect.result(other.authentication.authenticate(bearer)))
          if (result._tag === "Failure") return performance.now() - begun
        }
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    // One second, and the time of the question itself on a busy machine.
    for (const bearer of [session.accessToken, token]) expect(await refusedAfter(bearer)).toBeLessThan(1500)
  })

  it("is asked for once by many at a time, also when the first leaves", async () => {
    const { session } = await sessionOf()
    const holder = await b.another()
    const locked = holder.run(
      holder.database.transaction((tx) =>
        Effect.andThen(tx.execute(sql`lock table refresh_tokens in access exclusive mode`), Effect.sleep(400))
      )
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    const [first, ...others] = await b.run(Effect.gen(function*() {
      const fibers = yield* Effect.forEach(
        Array.from({ length: 30 }),
        () => Effect.forkDetach(b.authentication.authenticate(session.accessToken))
      )
      yield* Effect.sleep(50)
      return fibers
    }))
    const { rows } = await b.run(b.database.query((db) =>
      db.execute<{ n: number }>(sql`
select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
    ))
    expect(rows).toEqual([{ n: 1 }])
    await b.run(Fiber.interrupt(first!))
    for (const fiber of others) expect(await b.run(Fiber.join(fiber))).toEqual(session.principal)
    await locked
  })

  it("is not remembered when it was revoked while it was asked for", async () => {
    const proxy = await startWireProxy({ postgresUrl: b.oracle.url })
    // The reads of the logout must not queue up behind the answer that is late.
    const p = await processOn(proxy.url, {}, { poolSharedDepth: 1 })
    onTestFinished(async () => {
      await p.dispose()
      await proxy.close()
    })
    const { session } = await sessionOf()
    const late = proxy.add({
      match: on.dataRow(/"admin_users".*exists/s),
      action: { do: "delay", ms: 700 },
      times: 1
    })
    const asking = p.run(Effect.result(p.authentication.authenticate(session.accessToken)))
    await expect.poll(() => late.fired).toBe(1)
    expect(await p.run(p.sessions.logout(session.refreshToken))).toBe(true)
    // Who asks now is not given the late answer.
    const asked = p.reason(p.authentication.authenticate(session.accessToken))
    // It was good when the database was asked.
    expect((await asking)._tag).toBe("Success")
    expect(p.authentication.tryKnown(session.accessToken)).toBeUndefined()
    expect(await asked).toMatchObject({ why: "revoked" })
  })
})

describe("while the database cannot be asked", () => {
  const behindProxy = async (options = {}) => {
    const proxy = await startWireProxy({ postgresUrl: b.oracle.url })
    const process = await processOn(proxy.url, options, { acquireTimeout: 500, queryTimeout: 2000 })
    onTestFinished(async () => {
      await process.dispose()
      await proxy.close()
    })
    return {
      ...process,
      heal: proxy.heal,
      cut: async () => {
        await proxy.setConnect("refuse")
        proxy.cutAll("reset")
      }
    }
  }

  it("one that was known may read for ten minutes; one that was not gets the error", async () => {
    const p = await behindProxy()
    const { session } = await sessionOf()
    const { id, token } = await b.run(
      b.tokens.create({
        name: `n${randomUUID().slice(0, 8)}`,
        role: "operator",
        scopes: ["database:read", "database:maintain"]
      })
    )
    const stranger = await sessionOf()
    await p.run(p.authentication.authenticate(session.accessToken))
    await p.run(p.authentication.authenticate(token))
    await p.cut()
    expect(p.authentication.tryKnown(session.accessToken)).toEqual(session.principal)
    p.later(1500)

    const user = await p.run(p.authentication.authenticate(session.accessToken))
    expect([user.id, user.role, user.scopes]).toEqual([session.principal.id, "viewer", scopesOf("viewer")])
    const machine = await p.run(p.authentication.authenticate(token))
    expect([machine.id, machine.role, [...machine.scopes]]).toEqual([`token:${id}`, "viewer", ["database:read"]])
    // Less than was checked is never taken for what was.
    expect(p.authentication.tryKnown(token)).toBeUndefined()
    // It was asked a moment ago: the next one does not wait for it.
    const begun = performance.now()
    await p.run(p.authentication.authenticate(token))
    expect(performance.now() - begun).toBeLessThan(100)

    const error = await p.run(Effect.flip(p.authentication.authenticate(stranger.session.accessToken)))
    expect(error._tag).toBe("DbError")
    expect(error.message).not.toContain(canary)

    p.later(599_000)
    expect((await p.run(Effect.flip(p.authentication.authenticate(token))))._tag).toBe("DbError")
    p.later(10_000)
    expect(await p.reason(p.authentication.authenticate(session.accessToken))).toMatchObject({ why: "expired" })
    await p.heal()
    await expect.poll(
      () =>
        p.run(Effect.result(p.authentication.authenticate(token))).then((r) => r._tag === "Success" && r.success.role),
      { timeout: 5000 }
    )
      .toBe("operator")
    expect(p.lines.join()).not.toContain(token)
    expect(p.lines.join()).not.toContain(canary)
  }, 30_000)

  it("one whose credential has expired meanwhile may nothing", async () => {
    const p = await behindProxy()
    const { token } = await b.run(
      b.tokens.create({
        name: `x${randomUUID().slice(0, 8)}`,
        role: "viewer",
        expiresAt: new Date(Date.now() + 60_000)
      })
    )
    await p.run(p.authentication.authenticate(token))
    await p.cut()
    p.later(30_000)
    expect((await p.run(p.authentication.authenticate(token))).role).toBe("viewer")
    p.later(31_000)
    expect((await p.run(Effect.flip(p.authentication.authenticate(token))))._tag).toBe("DbError")
  })
})

it("warns of a key that ends with the process, unless told not to", async () => {
  const random = await b.another({ secret: undefined })
  expect(random.lines.filter((line) => line.includes("EMS_AUTH_SECRET"))).toHaveLength(1)
  const quiet = await b.another({ secret: undefined, warnOfRandomSecret: false })
  expect(quiet.lines.filter((line) => line.includes("EMS_AUTH_SECRET"))).toEqual([])
  const { session } = await sessionOf(random)
  expect(await quiet.reason(quiet.authentication.authenticate(session.accessToken))).toMatchObject({ why: "signature" })
})
