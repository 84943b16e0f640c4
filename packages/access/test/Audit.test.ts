import { DbError } from "@ems/db-core/errors/DbError"
import { startWireProxy } from "@ems/db-testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { AccessError } from "../src/AccessError.ts"
import { bench, benchOfTest, canary, password, principal, processOn, somebody } from "./support.ts"

let b: Awaited<ReturnType<typeof bench>>
beforeAll(async () => {
  b = await bench()
})
afterAll(() => b.close())

const intent = (rest: object = {}) => ({
  principal: principal(),
  action: "maintenance.vacuumTables",
  target: "public.events",
  reason: "it's due",
  requestId: "r-1",
  ...rest
})

const latest = async () => (await b.run(b.audit.list({ limit: 1 })))[0]

it("has the intent before and the outcome after", async () => {
  const seen = await b.run(b.audit.record(intent(), Effect.promise(latest)))
  expect(seen).toMatchObject({
    actor: "user:1",
    actorName: "somebody@example.org",
    action: "maintenance.vacuumTables",
    target: "public.events",
    reason: "it's due",
    requestId: "r-1",
    outcome: null,
    finishedAt: null
  })
  const after = await latest()
  expect(after).toMatchObject({ id: seen!.id, outcome: "succeeded", detail: null })
  expect(Date.parse(after!.finishedAt!)).toBeGreaterThanOrEqual(Date.parse(after!.at))
})

it.each([
  ["a typed error", AccessError.of({ _tag: "LastAdmin" }), "LastAdmin"],
  ["a database error", DbError.of("LockTimeout", "Refused", "query", { message: canary }), "LockTimeout"],
  ["an error without a word", new Error(canary), "error"],
  ["what has no word for a tag", { _tag: `${canary} and spaces` }, "error"]
])("says in one word that it failed with %s", async (_, error, detail) => {
  const exit = await b.run(Effect.exit(b.audit.record(intent({ target: detail }), Effect.fail(error))))
  expect(exit).toEqual(Exit.fail(error))
  expect(await latest()).toMatchObject({ target: detail, outcome: "failed", detail })
})

it("says that it broke", async () => {
  await b.run(Effect.exit(b.audit.record(intent(), Effect.die(new Error(canary)))))
  expect(await latest()).toMatchObject({ outcome: "failed", detail: "defect" })
})

it("says that it was interrupted", async () => {
  const fiber = await b.run(Effect.forkDetach(b.audit.record(intent({ target: "interrupted" }), Effect.never)))
  await expect.poll(async () => (await latest())?.target).toBe("interrupted")
  await b.run(Fiber.interrupt(fiber))
  expect(await latest()).toMatchObject({ target: "interrupted", outcome: "interrupted" })
})

it("does nothing without its intent", async () => {
  let ran = 0
  const work = Effect.sync(() => ran++)
  for (
    const [field, value] of Object.entries({
      action: "",
      target: "x".repeat(501),
      reason: "a\0b",
      requestId: "\ud800"
    })
  ) {
    expect(await b.reason(b.audit.record(intent({ [field]: value }), work))).toMatchObject({
      _tag: "InvalidInput",
      field
    })
  }
  const bare = await benchOfTest({ install: false })
  expect(await bare.reason(bare.audit.record(intent(), work))).toEqual({ _tag: "NotInstalled" })
  expect(ran).toBe(0)
})

it("keeps its result when the outcome cannot be written, and says so in the log", async () => {
  const proxy = await startWireProxy({ postgresUrl: b.oracle.url })
  const p = await processOn(proxy.url, {}, { acquireTimeout: 500, queryTimeout: 2000 })
  onTestFinished(async () => {
    await p.dispose()
    await proxy.close()
  })
  const begun = performance.now()
  const result = await p.run(p.audit.record(
    intent({ target: "outcome lost" }),
    Effect.promise(async () => {
      await proxy.setConnect("refuse")
      proxy.cutAll("reset")
      return "done"
    })
  ))
  expect(result).toBe("done")
  expect(performance.now() - begun).toBeLessThan(6000)
  expect(p.lines.filter((line) => line.includes("was not written"))).toHaveLength(1)
  expect(await latest()).toMatchObject({ target: "outcome lost", outcome: null })
})

it("writes the outcome when the database comes back within seconds", async () => {
  const proxy = await startWireProxy({ postgresUrl: b.oracle.url })
  const p = await processOn(proxy.url, {}, { acquireTimeout: 200 })
  onTestFinished(async () => {
    await p.dispose()
    await proxy.close()
  })
  await p.run(p.audit.record(
    intent({ target: "cut" }),
    Effect.promise(async () => {
      await proxy.setConnect("refuse")
      proxy.cutAll("reset")
      setTimeout(() => void proxy.heal(), 1500)
    })
  ))
  expect(await latest()).toMatchObject({ target: "cut", outcome: "succeeded" })
})

it.each([
  "update ems_internal.audit_log set actor = 'nobody'",
  "update ems_internal.audit_log set actor = 'nobody' where false",
  "delete from ems_internal.audit_log",
  "truncate ems_internal.audit_log",
  "truncate ems_internal.audit_log cascade",
  "set session_replication_role = replica; delete from ems_internal.audit_log"
])("is append-only: %s", async (statement) => {
  await b.run(b.audit.record(intent(), Effect.void))
  const before = await b.oracle.admin("select count(*)::int as n from ems_internal.audit_log")
  // The oracle is a superuser and the owner.
  await expect(b.oracle.admin(statement)).rejects.toThrow("append-only")
  await b.oracle.admin("reset session_replication_role")
  expect(await b.oracle.admin("select count(*)::int as n from ems_internal.audit_log")).toEqual(before)
})

it("is read page by page, the latest first", async () => {
  for (let n = 0; n < 5; n++) await b.run(b.audit.record(intent({ target: `page ${n}` }), Effect.void))
  const first = await b.run(b.audit.list({ limit: 3 }))
  const second = await b.run(b.audit.list({ limit: 2, before: first.at(-1)!.id }))
  expect([...first, ...second].map(({ target }) => target)).toEqual([4, 3, 2, 1, 0].map((n) => `page ${n}`))
  for (const page of [{ limit: 0 }, { limit: 201 }, { limit: 1.5 }, { before: "1; drop" }, { before: "-1" }]) {
    expect(await b.reason(b.audit.list(page))).toMatchObject({ _tag: "InvalidInput" })
  }
})

it("is written by a role that owns nothing, and may do no more than docs/access.md says", async () => {
  const role = `access_${b.oracle.name.slice(-12)}`
  for (
    const statement of [
      `create role ${role} login password '${canary}'`,
      `grant usage on schema ems_internal to ${role}`,
      `grant select, insert, update, delete on refresh_tokens, admin_users to ${role}`,
      `grant select, insert, update on ems_internal.machine_token to ${role}`,
      `grant select, insert on ems_internal.audit_log to ${role}`
    ]
  ) await b.oracle.admin(statement)
  const url = new URL(b.oracle.url)
  url.username = role
  url.password = canary
  const p = await processOn(url.href)
  onTestFinished(p.dispose)
  const email = somebody()
  await p.run(
    p.bootstrap.redeem(await p.run(p.bootstrap.issue), { email, password: password() })
  )
  const session = await p.run(p.sessions.login(email, password()))
  const next = await p.run(p.sessions.refresh(session.refreshToken))
  await p.run(p.authentication.authenticate(next.accessToken))
  await p.run(p.accounts.setPassword(email, password("another password 1")))
  expect(await p.reason(p.accounts.remove(email))).toEqual({ _tag: "LastAdmin" })
  await p.run(p.sessions.sweep)
  const { id, token } = await p.run(p.tokens.create({ name: "owned-by-nobody", role: "viewer" }))
  await p.run(p.authentication.authenticate(token))
  await p.run(p.audit.record(intent({ target: "owned by nobody" }), p.tokens.revoke(id)))
  expect(await p.run(p.audit.list({ limit: 1 }))).toMatchObject([{ target: "owned by nobody", outcome: "succeeded" }])
  await p.run(p.accounts.create({ email: somebody(), password: password(), role: "admin" }))
  await p.run(p.accounts.remove(email))
})
