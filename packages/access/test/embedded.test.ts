/** Access where there is but one session. */
import { Database } from "@ems/db-core/connection/Database"
import * as Migrator from "@ems/db-core/migration/Migrator"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import * as AccessTables from "../src/AccessTables.ts"
import { password, principal, processOn } from "./support.ts"

it("does in an embedded database what it does elsewhere", { timeout: 60_000 }, async () => {
  const slow = { acquireTimeout: 50_000, connectTimeout: 50_000, queryTimeout: 60_000 }
  const p = await processOn("pglite:memory", {}, slow)
  await p.run(Migrator.migrate(fileURLToPath(new URL("../../../drizzle", import.meta.url))))
  expect(await p.run(AccessTables.install)).toBe(true)
  expect(await p.run(AccessTables.install)).toBe(false)
  const token = await p.run(p.bootstrap.issue)
  const email = "first@example.org"
  const admin = await p.run(p.bootstrap.redeem(token, { email, password: password() }))
  const session = await p.run(p.sessions.login(email, password()))
  expect(await p.run(p.authentication.authenticate(session.accessToken))).toMatchObject({ id: `user:${admin.id}` })
  const results = await p.run(Effect.all(
    Array.from({ length: 5 }, () => Effect.result(p.sessions.refresh(session.refreshToken))),
    { concurrency: "unbounded" }
  ))
  expect(results.filter(({ _tag }) => _tag === "Success")).toHaveLength(1)
  expect(await p.reason(p.authentication.authenticate(session.accessToken))).toMatchObject({ why: "revoked" })
  const machine = await p.run(p.tokens.create({ name: "ci", role: "viewer" }))
  await p.run(p.audit.record({ principal: principal(), action: "token.revoke", target: "ci" }, p.tokens.revoke("ci")))
  expect(await p.reason(p.authentication.authenticate(machine.token))).toMatchObject({ why: "revoked" })
  expect(await p.run(p.audit.list())).toMatchObject([{ action: "token.revoke", outcome: "succeeded" }])
  const error = await p.run(Effect.flip(
    Database.use((database) => database.write((db) => db.execute(sql`truncate ems_internal.audit_log`)))
  ))
  expect(error.reason._tag).toBe("InsufficientPrivilege")
  expect(await p.reason(p.accounts.remove(email))).toEqual({ _tag: "LastAdmin" })
  await p.dispose()
})
