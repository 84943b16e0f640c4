import { on, startWireProxy } from "@ems/db-testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { bench, canary, password, processOn, somebody } from "./support.ts"

let b: Awaited<ReturnType<typeof bench>>
beforeAll(async () => {
  b = await bench()
})
afterAll(() => b.close())

const signedUp = async (role: "viewer" | "operator" | "admin" = "operator") => {
  const email = somebody()
  const account = await b.run(b.accounts.create({ email, password: password(), role }))
  return { email, account }
}

const sessionOf = async () => {
  const { account, email } = await signedUp()
  return { account, email, session: await b.run(b.sessions.login(email, password())) }
}

const hash = (token: string) => createHash("sha256").update(token).digest("hex")

describe("login", () => {
  it("gives a session; what is kept of its refresh token is a hash", async () => {
    const { account, email } = await signedUp()
    const session = await b.run(b.sessions.login(`  ${email.toUpperCase()} `, password()))
    expect(session).toMatchObject({
      expiresIn: 600,
      principal: { kind: "user", id: `user:${account.id}`, name: email, role: "operator" }
    })
    expect(session.refreshToken).toMatch(/^[\w-]{43}$/)
    const rows = await b.oracle.admin(
      "select token_hash, round(extract(epoch from expires_at - created_at))::int as life from refresh_tokens where admin_user_id = $1",
      [account.id]
    )
    expect(rows).toEqual([{ token_hash: hash(session.refreshToken), life: 30 * 86_400 }])
    expect(Math.abs(Date.parse(session.refreshExpiresAt) - Date.now() - 30 * 86_400_000)).toBeLessThan(60_000)
  })

  it.each([
    ["a wrong password", (email: string) => [email, "wrong password 1"]],
    ["nobody", () => ["nobody@example.org", "wrong password 1"]],
    ["what is no e-mail", () => ["\0 not an e-mail", "wrong password 1"]],
    ["far too long a password", (email: string) => [email, "x".repeat(100_000)]],
    ["an empty password", (email: string) => [email, ""]]
  ])("refuses %s with the same words", async (_, make) => {
    const { email } = await signedUp()
    const [given, text] = make(email)
    expect(await b.reason(b.sessions.login(given!, Redacted.make(text!)))).toEqual({ _tag: "InvalidCredentials" })
  })

  it("takes as long for nobody as for a wrong password", async () => {
    const { email } = await signedUp()
    const took = async (who: string) => {
      const begun = performance.now()
      await b.reason(b.sessions.login(who, password("wrong password 1")))
      return performance.now() - begun
    }
    const times: Array<[number, number]> = []
    for (let n = 0; n < 9; n++) times.push([await took(email), await took("nobody@example.org")])
    // Whatever else the machine does only adds to it.
    const least = (at: 0 | 1) => Math.min(...times.map((pair) => pair[at]))
    expect(least(1)).toBeGreaterThan(least(0) * 0.6)
    expect(least(0)).toBeGreaterThan(least(1) * 0.6)
  })

  it("does not give a session for a password that was changed while it was compared", async () => {
    const { account, email } = await signedUp()
    // Holds the account, so that the login has compared and waits.
    const holder = await b.another()
    const done = holder.run(
      holder.database.transaction((tx) =>
        Effect.gen(function*() {
          yield* tx.execute(`select from admin_users where id = ${account.id} for update`)
          yield* Effect.sleep(600)
          yield* tx.execute(`update admin_users set password_hash = 'changed' where id = ${account.id}`)
        })
      )
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await b.reason(b.sessions.login(email, password()))).toEqual({ _tag: "InvalidCredentials" })
    await done
    expect(await b.oracle.admin("select from refresh_tokens where admin_user_id = $1", [account.id])).toEqual([])
  })

  it("keeps a stronger hash when the parameters have grown", async () => {
    const { account, email } = await signedUp()
    const { hash } = await import("@node-rs/argon2")
    const weak = await hash(Redacted.value(password()), { memoryCost: 8192, timeCost: 1 })
    await b.oracle.admin("update admin_users set password_hash = $1 where id = $2", [weak, account.id])
    await b.run(b.sessions.login(email, password()))
    const [row] = await b.oracle.admin("select password_hash as h from admin_users where id = $1", [account.id])
    expect(row?.["h"]).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await b.run(b.sessions.login(email, password()))
  })
})

describe("refresh", () => {
  it("gives the next token of the same session, with the role as it is now", async () => {
    const { account, session } = await sessionOf()
    await b.run(b.accounts.setRole(account.id, "viewer"))
    const next = await b.run(b.sessions.refresh(session.refreshToken))
    expect(next.refreshToken).not.toBe(session.refreshToken)
    expect(next.principal).toMatchObject({ sessionId: session.principal.sessionId, role: "viewer" })
    await b.run(b.sessions.refresh(next.refreshToken))
  })

  it("lets one of twenty win, and ends the session because of the others", async () => {
    const other = await b.another()
    for (let round = 0; round < 3; round++) {
      const { account, session } = await sessionOf()
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => {
        const { run, sessions } = n % 2 === 0 ? b : other
        return run(Effect.result(sessions.refresh(session.refreshToken)))
      }))
      const won = outcomes.flatMap((outcome) => outcome._tag === "Success" ? [outcome.success] : [])
      expect(won).toHaveLength(1)
      for (const outcome of outcomes) {
        if (outcome._tag === "Failure") expect(outcome.failure).toMatchObject({ reason: { why: "reused" } })
      }
      const rows = await b.oracle.admin(
        "select count(*)::int as n, count(revoked_at)::int as revoked from refresh_tokens where admin_user_id = $1",
        [account.id]
      )
      expect(rows).toEqual([{ n: 2, revoked: 2 }])
      expect(await b.reason(b.sessions.refresh(won[0]!.refreshToken))).toMatchObject({ why: "revoked" })
      expect(await b.reason(b.authentication.authenticate(won[0]!.accessToken))).toMatchObject({ why: "revoked" })
    }
  })

  it("ends the session of a used token, its newest one included, whoever is first", async () => {
    for (let round = 0; round < 10; round++) {
      const { account, session } = await sessionOf()
      const second = await b.run(b.sessions.refresh(session.refreshToken))
      // The thief comes while the owner is at it.
      const [reuse, refreshed] = await Promise.all([
        b.reason(b.sessions.refresh(session.refreshToken)),
        b.run(Effect.result(b.sessions.refresh(second.refreshToken)))
      ])
      expect(reuse).toEqual({ _tag: "InvalidToken", why: "reused" })
      expect(
        await b.oracle.admin(
          "select from refresh_tokens where admin_user_id = $1 and revoked_at is null",
          [account.id]
        )
      ).toEqual([])
      if (refreshed._tag === "Success") {
        expect(await b.reason(b.sessions.refresh(refreshed.success.refreshToken))).toMatchObject({ why: "revoked" })
      }
    }
    expect(b.lines.filter((line) => line.includes("presented again")).length).toBeGreaterThan(0)
  })

  it("is not repeated when the answer to its COMMIT is lost", async () => {
    const proxy = await startWireProxy({ postgresUrl: b.oracle.url })
    const p = await processOn(proxy.url)
    onTestFinished(async () => {
      await p.dispose()
      await proxy.close()
    })
    const { account, session } = await sessionOf()
    const lost = proxy.add({
      match: on.complete(/^COMMIT/),
      action: { do: "cut", how: "reset", at: "before" },
      times: 1
    })
    const next = await p.run(p.sessions.refresh(session.refreshToken))
    expect(lost.fired).toBe(1)
    expect(
      await b.oracle.admin(
        "select count(*)::int as n, count(used_at)::int as used, count(revoked_at)::int as revoked from refresh_tokens where admin_user_id = $1",
        [account.id]
      )
    ).toEqual([{ n: 2, used: 1, revoked: 0 }])
    await p.run(p.sessions.refresh(next.refreshToken))
  })

  it("says why a token is refused", async () => {
    expect(await b.reason(b.sessions.refresh("short"))).toMatchObject({ why: "malformed" })
    expect(await b.reason(b.sessions.refresh("x".repeat(43)))).toMatchObject({ why: "unknown" })
    const { session } = await sessionOf()
    await b.oracle.admin(
      "update refresh_tokens set created_at = now() - interval '2 days', expires_at = now() - interval '1 second' where token_hash = $1",
      [hash(session.refreshToken)]
    )
    expect(await b.reason(b.sessions.refresh(session.refreshToken))).toMatchObject({ why: "expired" })
  })

  it("does not outlive the session's end", async () => {
    const { account, session } = await sessionOf()
    await b.oracle.admin(
      "update refresh_tokens set created_at = now() - interval '89 days 23 hours' where admin_user_id = $1",
      [account.id]
    )
    const next = await b.run(b.sessions.refresh(session.refreshToken))
    expect(Date.parse(next.refreshExpiresAt) - Date.now()).toBeLessThan(3_700_000)
    await b.oracle.admin(
      "update refresh_tokens set created_at = created_at - interval '2 hours' where admin_user_id = $1",
      [account.id]
    )
    expect(await b.reason(b.sessions.refresh(next.refreshToken))).toMatchObject({ why: "expired" })
  })
})

describe("logout", () => {
  it.each(["refresh token", "session id"])("ends a session by its %s, once", async (by) => {
    const { session } = await sessionOf()
    const credential = by === "session id" ? { sessionId: session.principal.sessionId! } : session.refreshToken
    await b.run(b.authentication.authenticate(session.accessToken))
    expect(await b.run(b.sessions.logout(credential))).toBe(true)
    expect(await b.run(b.sessions.logout(credential))).toBe(false)
    expect(b.authentication.tryKnown(session.accessToken)).toBeUndefined()
    expect(await b.reason(b.authentication.authenticate(session.accessToken))).toMatchObject({ why: "revoked" })
    expect(await b.reason(b.sessions.refresh(session.refreshToken))).toMatchObject({ why: "revoked" })
  })

  it("has nothing to end for what it does not know", async () => {
    const { session } = await sessionOf()
    expect(await b.run(b.sessions.logout("nonsense"))).toBe(false)
    expect(await b.run(b.sessions.logout({ sessionId: "nonsense" }))).toBe(false)
    // The id of a session is in every access token and in logs: it ends nothing where a token is wanted.
    expect(await b.run(b.sessions.logout(session.principal.sessionId!))).toBe(false)
  })
})

it("removes what no session needs any more, and nothing else", async () => {
  const gone = await sessionOf()
  const used = await sessionOf()
  const next = await b.run(b.sessions.refresh(used.session.refreshToken))
  await b.oracle.admin(
    "update refresh_tokens set created_at = now() - interval '40 days', expires_at = now() - interval '1 day' where token_hash = any($1)",
    [[hash(gone.session.refreshToken), hash(used.session.refreshToken)]]
  )
  expect(await b.run(b.sessions.sweep)).toBeGreaterThanOrEqual(1)
  expect(await b.reason(b.sessions.refresh(gone.session.refreshToken))).toMatchObject({ why: "unknown" })
  // Its record is what tells that it was used.
  expect(await b.reason(b.sessions.refresh(used.session.refreshToken))).toMatchObject({ why: "reused" })
  expect(await b.reason(b.sessions.refresh(next.refreshToken))).toMatchObject({ why: "revoked" })
})

it("logs no e-mail, password or token, whatever happened", async () => {
  const { email, session } = await sessionOf()
  const next = await b.run(b.sessions.refresh(session.refreshToken))
  await b.reason(b.sessions.refresh(session.refreshToken))
  await b.reason(b.sessions.login(email, password("wrong password 1")))
  const all = b.lines.join("\n")
  expect(all).toContain(session.principal.sessionId)
  for (const text of [email, canary, session.refreshToken, next.refreshToken, session.accessToken, "@example.org"]) {
    expect(all).not.toContain(text)
  }
})
