import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bench, benchOfTest, password, somebody } from "./support.ts"

let b: Awaited<ReturnType<typeof bench>>
beforeAll(async () => {
  b = await bench()
})
afterAll(() => b.close())

describe("an account", () => {
  it("is made, listed, counted and removed", async () => {
    const before = await b.run(b.accounts.count)
    const account = await b.run(
      b.accounts.create({ email: "  Ada.Lovelace@Example.ORG ", password: password(), role: "viewer" })
    )
    expect(account).toMatchObject({ email: "ada.lovelace@example.org", role: "viewer" })
    expect(new Date(account.createdAt).getTime()).toBeGreaterThan(Date.now() - 60_000)
    expect(await b.run(b.accounts.list)).toContainEqual(account)
    expect(await b.run(b.accounts.count)).toBe(before + 1)
    await b.run(b.accounts.remove("ADA.lovelace@example.org"))
    expect(await b.reason(b.accounts.remove(account.id))).toEqual({ _tag: "UnknownAccount" })
    expect(await b.run(b.accounts.count)).toBe(before)
  })

  it("exists once, whoever is first", async () => {
    const email = somebody()
    const results = await Promise.all(
      ["", " "].map((space) =>
        b.run(Effect.result(b.accounts.create({ email: space + email, password: password(), role: "viewer" })))
      )
    )
    expect(results.map(({ _tag }) => _tag).toSorted()).toEqual(["Failure", "Success"])
    expect(await b.reason(b.accounts.create({ email, password: password(), role: "viewer" })))
      .toEqual({ _tag: "AccountExists" })
  })

  it.each(["", "nobody", "a@b@c", "a b@c", "a@\0", "\ud800@example.org", `${"x".repeat(250)}@example.org`])(
    "is not made for %j",
    async (email) => {
      expect(await b.reason(b.accounts.create({ email, password: password(), role: "viewer" })))
        .toMatchObject({ _tag: "InvalidInput", field: "email" })
    }
  )

  it.each([
    ["eleven long", "x1y2z3a4b5c", "12 to 128 characters"],
    ["129 long", "xyz".repeat(43), "12 to 128 characters"],
    ["long before and short after normalizing", "e\u0301".repeat(11), "12 to 128 characters"],
    ["what is tried first", "PasswordPassword", "something that is not tried first"],
    ["of two characters", "ababababababab", "something that is not tried first"],
    ["half a surrogate", "correct horse \ud800", "text in Unicode"],
    ["the e-mail", "Its-Me@Example.org", "something else than the e-mail"]
  ])("is not made with a password that is %s", async (_, text, expected) => {
    expect(
      await b.reason(b.accounts.create({
        email: "its-me@example.org",
        password: Redacted.make(text),
        role: "viewer"
      }))
    ).toEqual({ _tag: "WeakPassword", expected })
  })

  it("takes a password of 12 or of 128 characters, however it is composed", async () => {
    for (const text of ["abcdefgh ijk", "\u{1f511}x1".repeat(42) + "ab"]) {
      const email = somebody()
      await b.run(b.accounts.create({ email, password: Redacted.make(text), role: "viewer" }))
      expect((await b.run(b.sessions.login(email, Redacted.make(text)))).principal.name).toBe(email)
    }
    const email = somebody()
    await b.run(b.accounts.create({ email, password: Redacted.make("caf\u00e9 caf\u00e9 caf\u00e9"), role: "viewer" }))
    await b.run(b.sessions.login(email, Redacted.make("cafe\u0301 cafe\u0301 cafe\u0301")))
  })

  it.each(["", "0", "42424242", "nobody@example.org", "' or true --"])("with the name %j is not there", async (who) => {
    const unknown = { _tag: "UnknownAccount" }
    expect(await b.reason(b.accounts.setRole(who, "viewer"))).toEqual(unknown)
    expect(await b.reason(b.accounts.setPassword(who, password()))).toEqual(unknown)
    expect(await b.reason(b.accounts.remove(who))).toEqual(unknown)
  })

  it("loses its sessions with its password", async () => {
    const email = somebody()
    await b.run(b.accounts.create({ email, password: password(), role: "viewer" }))
    const session = await b.run(b.sessions.login(email, password()))
    await b.run(b.authentication.authenticate(session.accessToken))
    await b.run(b.accounts.setPassword(email, password("another password 1")))
    expect(b.authentication.tryKnown(session.accessToken)).toBeUndefined()
    expect(await b.reason(b.authentication.authenticate(session.accessToken))).toMatchObject({ why: "revoked" })
    expect(await b.reason(b.sessions.refresh(session.refreshToken))).toMatchObject({ why: "revoked" })
    expect(await b.reason(b.sessions.login(email, password()))).toEqual({ _tag: "InvalidCredentials" })
    await b.run(b.sessions.login(email, password("another password 1")))
  })
})

describe("the last admin", () => {
  const admins = async (count: number) => {
    const bench = await benchOfTest()
    const ids: Array<string> = []
    for (let n = 0; n < count; n++) {
      ids.push((await bench.run(bench.accounts.create({ email: somebody(), password: password(), role: "admin" }))).id)
    }
    return { bench, ids }
  }

  it("is neither removed nor demoted", async () => {
    const { bench: { accounts, reason, run }, ids: [id] } = await admins(1)
    await run(accounts.create({ email: somebody(), password: password(), role: "operator" }))
    expect(await reason(accounts.remove(id!))).toEqual({ _tag: "LastAdmin" })
    expect(await reason(accounts.setRole(id!, "operator"))).toEqual({ _tag: "LastAdmin" })
    expect(await run(accounts.setRole(id!, "admin"))).toMatchObject({ role: "admin" })
  })

  it("is left when the last two are demoted and removed at once", async () => {
    const { bench, ids } = await admins(2)
    const other = await bench.another()
    for (let round = 0; round < 10; round++) {
      const results = await Promise.all([
        bench.run(Effect.result(bench.accounts.setRole(ids[0]!, "viewer"))),
        other.run(Effect.result(other.accounts.setRole(ids[1]!, "operator")))
      ])
      const failed = results.flatMap((result) => result._tag === "Failure" ? [result.failure] : [])
      expect(failed).toMatchObject([{ reason: { _tag: "LastAdmin" } }])
      const list = await bench.run(bench.accounts.list)
      expect(list.filter(({ role }) => role === "admin")).toHaveLength(1)
      for (const id of ids) await bench.run(bench.accounts.setRole(id, "admin"))
    }
  })
})

it("says NotInstalled where the migrations were not applied", async () => {
  const bare = await benchOfTest({ install: false, template: false })
  const missing = { _tag: "NotInstalled" }
  expect(await bare.reason(bare.accounts.list)).toEqual(missing)
  expect(await bare.reason(bare.accounts.count)).toEqual(missing)
  expect(await bare.reason(bare.accounts.create({ email: somebody(), password: password(), role: "admin" })))
    .toEqual(missing)
  expect(await bare.reason(bare.accounts.remove("1"))).toEqual(missing)
  expect(await bare.reason(bare.sessions.login(somebody(), password()))).toEqual(missing)
  expect(await bare.reason(bare.sessions.refresh("x".repeat(43)))).toEqual(missing)
  expect(await bare.reason(bare.tokens.list)).toEqual(missing)
  expect(await bare.reason(bare.audit.list())).toEqual(missing)
  expect(await bare.reason(bare.bootstrap.issue)).toEqual(missing)
})
