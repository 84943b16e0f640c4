import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { expect, it } from "vitest"
import { benchOfTest, canary, password, somebody } from "./support.ts"

it("makes the first admin, once", async () => {
  const { accounts, bootstrap, lines, oracle, reason, run, sessions } = await benchOfTest()
  expect(await reason(bootstrap.redeem("guess", { email: somebody(), password: password() })))
    .toEqual({ _tag: "InvalidToken", why: "unknown" })
  const first = await run(bootstrap.issue)
  const token = await run(bootstrap.issue)
  const email = somebody()
  expect(await reason(bootstrap.redeem(first, { email, password: password() }))).toMatchObject({ why: "unknown" })
  // A mistake does not cost the token.
  expect(await reason(bootstrap.redeem(token, { email, password: Redacted.make("short") })))
    .toMatchObject({ _tag: "WeakPassword" })
  expect(await reason(bootstrap.redeem(token, { email: "nobody", password: password() })))
    .toMatchObject({ _tag: "InvalidInput" })
  expect(await run(bootstrap.redeem(token, { email, password: password() }))).toMatchObject({ email, role: "admin" })
  expect((await run(sessions.login(email, password()))).principal.role).toBe("admin")
  expect(await reason(bootstrap.redeem(token, { email: somebody(), password: password() })))
    .toMatchObject({ why: "unknown" })
  expect(await reason(bootstrap.issue)).toEqual({ _tag: "AccountExists" })
  expect(await run(accounts.count)).toBe(1)
  expect(await oracle.admin("select role::text from admin_users")).toEqual([{ role: "admin" }])
  expect(lines.join()).not.toContain(token)
  expect(lines.join()).not.toContain(canary)
})

it("is refused when there is an account meanwhile", async () => {
  const { accounts, bootstrap, reason, run } = await benchOfTest()
  const token = await run(bootstrap.issue)
  await run(accounts.create({ email: somebody(), password: password(), role: "viewer" }))
  expect(await reason(bootstrap.redeem(token, { email: somebody(), password: password() })))
    .toEqual({ _tag: "AccountExists" })
})

it("expires after an hour", async () => {
  const { bootstrap, later, reason, run } = await benchOfTest()
  const token = await run(bootstrap.issue)
  later(3_600_000)
  expect(await reason(bootstrap.redeem(token, { email: somebody(), password: password() })))
    .toEqual({ _tag: "InvalidToken", why: "expired" })
})

it("makes one of several first admins, of this process and another", async () => {
  const b = await benchOfTest()
  const other = await b.another()
  const tokens = [await b.run(b.bootstrap.issue), await other.run(other.bootstrap.issue)] as const
  const results = await Promise.all(
    [b, other, b, other].map(({ bootstrap, run }, n) =>
      run(Effect.result(bootstrap.redeem(tokens[n % 2]!, { email: somebody(), password: password() })))
    )
  )
  expect(results.filter(({ _tag }) => _tag === "Success")).toHaveLength(1)
  expect(await b.run(b.accounts.count)).toBe(1)
})
