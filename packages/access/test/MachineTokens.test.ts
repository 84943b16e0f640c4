import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { afterAll, beforeAll, expect, it } from "vitest"
import { scopesOf } from "../src/Role.ts"
import { bench } from "./support.ts"

let b: Awaited<ReturnType<typeof bench>>
beforeAll(async () => {
  b = await bench()
})
afterAll(() => b.close())

it("is shown once, kept as a hash, and may what its role may", async () => {
  const { id, token } = await b.run(b.tokens.create({ name: "prometheus", role: "viewer", createdBy: "user:1" }))
  expect(token).toMatch(/^ems_[\w-]{49}$/)
  const [row] = await b.oracle.admin("select token_hash, m::text as row from ems_internal.machine_token m")
  expect(row?.["token_hash"]).toBe(createHash("sha256").update(token).digest("hex"))
  expect(row?.["row"]).not.toContain(token.slice(4, 20))
  expect(await b.run(b.authentication.authenticate(token))).toEqual({
    kind: "token",
    id: `token:${id}`,
    name: "prometheus",
    role: "viewer",
    scopes: new Set(scopesOf("viewer"))
  })
  const [listed] = await b.run(b.tokens.list)
  expect(listed).toMatchObject({ id, name: "prometheus", createdBy: "user:1", revokedAt: null, expiresAt: null })
  expect(JSON.stringify(listed)).not.toContain(token)
})

it("is narrowed to its scopes", async () => {
  const { token } = await b.run(b.tokens.create({ name: "deploy", role: "operator", scopes: ["database:maintain"] }))
  const { role, scopes } = await b.run(b.authentication.authenticate(token))
  expect([role, [...scopes]]).toEqual(["operator", ["database:maintain"]])
})

it.each([
  [{ name: "7", role: "viewer" as const }, "name"],
  [{ name: "", role: "viewer" as const }, "name"],
  [{ name: "x".repeat(64), role: "viewer" as const }, "name"],
  [{ name: "a\0b", role: "viewer" as const }, "name"],
  [{ name: "over", role: "viewer" as const, scopes: ["database:signal" as const] }, "scopes"],
  [{ name: "none", role: "viewer" as const, scopes: [] }, "scopes"],
  [{ name: "past", role: "viewer" as const, expiresAt: new Date(0) }, "expiresAt"],
  [{ name: "never", role: "viewer" as const, expiresAt: new Date(Number.NaN) }, "expiresAt"]
])("is not made of %j", async (token, field) => {
  expect(await b.reason(b.tokens.create(token))).toMatchObject({ _tag: "InvalidInput", field })
})

it("has a name of its own until it is revoked", async () => {
  const results = await Promise.all(
    [1, 2].map(() => b.run(Effect.result(b.tokens.create({ name: "ci", role: "viewer" }))))
  )
  expect(results.map(({ _tag }) => _tag).toSorted()).toEqual(["Failure", "Success"])
  expect(await b.reason(b.tokens.create({ name: "ci", role: "viewer" })))
    .toMatchObject({ _tag: "InvalidInput", field: "name" })
  await b.run(b.tokens.revoke("ci"))
  await b.run(b.tokens.create({ name: "ci", role: "viewer" }))
})

it.each(["name", "id"] as const)("is revoked by its %s, once, and refused at once", async (by) => {
  const name = `revoked-by-${by}`
  const { id, token } = await b.run(b.tokens.create({ name, role: "viewer" }))
  await b.run(b.authentication.authenticate(token))
  expect(b.authentication.tryKnown(token)).toBeDefined()
  await b.run(b.tokens.revoke(by === "id" ? id : name))
  expect(b.authentication.tryKnown(token)).toBeUndefined()
  expect(await b.reason(b.authentication.authenticate(token))).toEqual({ _tag: "InvalidToken", why: "revoked" })
  expect(await b.reason(b.tokens.revoke(id))).toEqual({ _tag: "UnknownToken" })
  expect(await b.reason(b.tokens.revoke("' or true --"))).toEqual({ _tag: "UnknownToken" })
})

it("expires, also while it is known", async () => {
  const { id, token } = await b.run(
    b.tokens.create({ name: "brief", role: "viewer", expiresAt: new Date(Date.now() + 600) })
  )
  await b.run(b.authentication.authenticate(token))
  expect(b.authentication.tryKnown(token)).toBeDefined()
  await new Promise((resolve) => setTimeout(resolve, 700))
  expect(b.authentication.tryKnown(token)).toBeUndefined()
  expect(await b.reason(b.authentication.authenticate(token))).toEqual({ _tag: "InvalidToken", why: "expired" })
  expect((await b.run(b.tokens.list)).find((each) => each.id === id)?.expiresAt).not.toBeNull()
})

it("says why it is refused, and asks nobody about what was mistyped", async () => {
  const { token } = await b.run(b.tokens.create({ name: "mistyped", role: "viewer" }))
  const mistyped = token.slice(0, -10) + (token.at(-10) === "x" ? "y" : "x") + token.slice(-9)
  expect(await b.reason(b.authentication.authenticate(mistyped))).toMatchObject({ why: "malformed" })
  await b.oracle.admin("delete from ems_internal.machine_token where name = 'mistyped'")
  expect(await b.reason(b.authentication.authenticate(token))).toMatchObject({ why: "unknown" })
})

it("remembers when it was used, to the minute", async () => {
  const { id, token } = await b.run(b.tokens.create({ name: "used", role: "viewer" }))
  const used = async () => (await b.run(b.tokens.list)).find((each) => each.id === id)?.lastUsedAt
  expect(await used()).toBeNull()
  await b.run(b.authentication.authenticate(token))
  await expect.poll(used).not.toBeNull()
  const first = await used()
  b.later(2000)
  await b.run(b.authentication.authenticate(token))
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await used()).toBe(first)
})
