import { createTestDatabase, startWireProxy, type TestDatabase } from "@ems/db-testing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { changed, look } from "./Examination.ts"

const password = "cAnArY-9f27"

describe("a session", () => {
  let database: TestDatabase
  const made: Array<string> = []
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    await database.admin("create extension pg_stat_statements")
  })
  afterAll(async () => {
    for (const role of made) {
      await database.admin(`drop owned by ${role}`)
      await database.admin(`drop role ${role}`)
    }
    await database.close()
  })

  /** A role of this test's own, and the URL with it. */
  const roleWith = async (...grants: ReadonlyArray<(role: string) => string>) => {
    const role = `doctor_${randomBytes(4).toString("hex")}`
    await database.admin(`create role ${role} login password '${password}'`)
    made.push(role)
    for (const grant of grants) await database.admin(grant(role))
    const url = changed(database.url, (its) => {
      its.username = role
      its.password = password
    })
    return { role, url }
  }
  const healthy = [
    (role: string) => `grant create on database ${database.name} to ${role}`,
    (role: string) => `grant usage, create on schema public to ${role}`,
    (role: string) => `grant pg_monitor to ${role}`
  ]

  it("is in order for a role with what it needs and no more", async () => {
    const { role, url } = await roleWith(...healthy)
    const report = await look({ url })
    expect(report.troubles).toEqual([])
    expect(report.verdict).toBe("ok")
    expect(report.step("server").summary).toMatch(/^Postgres 18\./)
    expect(report.step("server").seen).toMatchObject({ encoding: "UTF8", isStandby: false, maxConnections: 200 })
    expect(report.step("authentication").seen).toEqual({
      user: role,
      database: database.name,
      hasPassword: true,
      method: "scram-sha-256"
    })
    expect(report.step("role").seen).toMatchObject({ role, isSuperuser: false, connectionLimit: null, tables: 0 })
    // Not needed to work: said as what could be done.
    expect(report.step("role").advice).toEqual([expect.stringContaining("GRANT pg_signal_backend")])
    expect(report.step("pooler")).toMatchObject({ status: "ok", seen: { isDeclared: false, mode: "none" } })
    expect(report.step("timeouts").seen["statement_timeout"]).toBe("15000 ms, from: client")
    expect(Math.abs(Number(report.step("clock").seen["differenceMs"]))).toBeLessThan(500)
    expect(report.step("roundTrip").seen).toMatchObject({ trips: 5 })
    // A server process ends a moment after its client.
    await vi.waitFor(async () => {
      const left = await database.admin(
        "select 1 from pg_stat_activity where datname = current_database() and application_name like '% doctor'"
      )
      expect(left).toEqual([])
    })
  })

  it("refused: a wrong password, and none", async () => {
    const { role, url } = await roleWith()
    const wrong = await look({ url: changed(url, (its) => its.password = "another") })
    expect(wrong.verdict).toBe("unreachable")
    expect(wrong.step("authentication")).toMatchObject({
      status: "failed",
      seen: { user: role, method: "scram-sha-256", sqlState: "28P01" }
    })
    expect(wrong.step("authentication").advice[1]).toContain(`ALTER ROLE "${role}" PASSWORD`)
    expect(wrong.step("server").summary).toBe("needs authentication, which failed")
    const none = await look({ url: changed(url, (its) => its.password = "") })
    expect(none.step("authentication").summary).toBe("the server asks for a password, and the URL has none")
  })

  it("refused: no such database, no right to it, no login, no connection left", async () => {
    const { role, url } = await roleWith()
    const missing = await look({ url: changed(url, (its) => its.pathname = "/no_such_database") })
    expect(missing.step("authentication")).toMatchObject({
      status: "failed",
      summary: `there is no database "no_such_database"`,
      seen: { sqlState: "3D000" }
    })
    await database.admin(`revoke connect on database ${database.name} from public`)
    const kept = await look({ url })
    await database.admin(`grant connect on database ${database.name} to public`)
    expect(kept.step("authentication").advice).toEqual([
      `as its owner: GRANT CONNECT ON DATABASE "${database.name}" TO "${role}"`
    ])
    await database.admin(`alter role ${role} connection limit 0`)
    const crowded = await look({ url })
    expect(crowded.step("authentication")).toMatchObject({
      summary: "the role has as many connections as it may have",
      seen: { sqlState: "53300" }
    })
    await database.admin(`alter role ${role} nologin`)
    const closed = await look({ url })
    expect(closed.step("authentication").advice).toEqual([`as a superuser: ALTER ROLE "${role}" LOGIN`])
  })

  it("an older proof of the password", async () => {
    const cleartext = await look({ url: changed(database.url, (its) => its.username = "cleartext_user") })
    // Refused, since nobody made that role; what was asked for is seen all the same.
    expect(cleartext.step("authentication").seen["method"]).toBe("password")
    const md5 = await look({ url: changed(database.url, (its) => its.username = "md5_user") })
    expect(md5.step("authentication").seen["method"]).toMatch(/md5|scram-sha-256/)
  })

  it("a role without rights: each with the GRANT that mends it, and mended by it", async () => {
    await database.admin("create table public.kept (id int)")
    const { role, url } = await roleWith()
    const report = await look({ url })
    expect(report.troubles).toEqual(["role warning"])
    const { advice, seen } = report.step("role")
    expect(seen).toMatchObject({ tables: 1, ownedByOthers: 1, unreadable: 1, unwritable: 1, owners: "postgres" })
    const grants = advice.flatMap((text) => /GRANT [^;,]*(?:, [A-Z]+[^;,]*)*/g.exec(text)?.[0] ?? [])
    expect(grants).toEqual(expect.arrayContaining([
      `GRANT CREATE ON DATABASE "${database.name}" TO "${role}"`,
      `GRANT pg_monitor TO "${role}"`
    ]))
    await database.admin(`grant create on database ${database.name} to ${role}`)
    await database.admin(`grant usage, create on schema public to ${role}`)
    await database.admin(`grant pg_monitor to ${role}`)
    await database.admin(`grant select, insert, update, delete on all tables in schema public to ${role}`)
    const granted = await look({ url })
    expect(granted.step("role").summary).toMatch(/^1 of 1 tables belong to postgres/)
    await database.admin("drop table public.kept")
    expect((await look({ url })).troubles).toEqual([])
  })

  it("a superuser, a password that ends, and a limit of connections", async () => {
    const superuser = await look({ url: database.url })
    expect(superuser.troubles).toEqual(["role warning"])
    expect(superuser.step("role").summary).toContain("superuser")
    const { url } = await roleWith(
      ...healthy,
      (role) => `alter role ${role} valid until '${new Date(Date.now() + 3 * 86_400_000).toISOString()}'`,
      (role) => `alter role ${role} connection limit 7`
    )
    const report = await look({ url })
    expect(report.troubles).toEqual(["server warning", "role warning"])
    expect(report.step("role").summary).toMatch(/password ends on 20.*; the role may have 7 connections/)
    expect(report.step("server").seen["connectionsLeft"]).toBe(6)
    expect(report.step("server").advice[0]).toContain("ALTER ROLE … CONNECTION LIMIT")
  })

  it("limits of the role: ours wins where it is given at connect, and theirs are said", async () => {
    const { url } = await roleWith(
      ...healthy,
      (role) => `alter role ${role} set statement_timeout = '5s'`,
      (role) => `alter role ${role} set idle_session_timeout = '20s'`,
      (role) => `alter role ${role} set transaction_timeout = '1s'`
    )
    const report = await look({ url })
    const { advice, seen, status, summary } = report.step("timeouts")
    expect(seen).toMatchObject({
      asked: "statement_timeout 15000 ms",
      statement_timeout: "15000 ms, from: client; the role's is 5s",
      idle_session_timeout: "20000 ms, from: user",
      transaction_timeout: "1000 ms, from: user"
    })
    expect(status).toBe("warning")
    expect(summary).toContain("transaction_timeout is 1000 ms")
    expect(advice).toEqual(expect.arrayContaining(["set EMS_POOL_IDLE_TIMEOUT_MS below 20000"]))
  })

  it("a URL that promises a pooler, where the role's own limit is in force", async () => {
    const { role, url } = await roleWith(...healthy, (role) => `alter role ${role} set statement_timeout = '5s'`)
    const pooled = changed(url, (its) => its.searchParams.set("pgbouncer", "true"))
    const report = await look({ url: pooled, directUrl: url })
    expect(report.step("timeouts")).toMatchObject({
      status: "warning",
      seen: { statement_timeout: "5000 ms, from: user" }
    })
    expect(report.step("timeouts").advice[0]).toContain(`ALTER ROLE "${role}" SET statement_timeout = 15000`)
    expect(report.step("pooler")).toMatchObject({ status: "ok", seen: { isDeclared: true, direct: "the same server" } })
    expect(report.step("pooler").advice[0]).toContain("none was seen")
    await database.admin(`alter role ${role} reset statement_timeout`)
    const unlimited = await look({ url: pooled, directUrl: url })
    expect(unlimited.step("timeouts").summary).toContain("no statement_timeout is in force")
  })

  it("a direct way that leads elsewhere, or nowhere", async () => {
    const { url } = await roleWith(...healthy)
    const pooled = changed(url, (its) => its.searchParams.set("pgbouncer", "true"))
    const elsewhere = await look({ url: pooled, directUrl: changed(url, (its) => its.pathname = "/postgres") })
    expect(elsewhere.verdict).toBe("findings")
    expect(elsewhere.step("pooler")).toMatchObject({
      status: "failed",
      summary: "the direct way leads to another database, postgres"
    })
    const nowhere = await look({ url: pooled, directUrl: changed(url, (its) => its.port = "1") })
    expect(nowhere.step("pooler")).toMatchObject({ status: "warning", seen: { direct: "no connection" } })
    const unknown = await look({ url: pooled })
    expect(unknown.step("pooler").advice).toContain("set EMS_DIRECT_URL to the server behind the pooler")
  })

  it("read only by default, and a database of another encoding", async () => {
    const { role, url } = await roleWith(
      ...healthy,
      (role) => `alter role ${role} set default_transaction_read_only = on`
    )
    const report = await look({ url })
    expect(report.step("server").advice[0]).toContain("RESET default_transaction_read_only")
    await database.admin(`alter role ${role} reset default_transaction_read_only`)
    await database.admin(
      `create database ${database.name}_latin1 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' locale_provider libc template template0`
    )
    const latin1 = await look({ url: changed(database.url, (its) => its.pathname += "_latin1") })
    expect(latin1.step("server").summary).toContain("encoding is LATIN1")
    expect(latin1.step("extensions").advice[0]).toBe("CREATE EXTENSION pg_stat_statements")
  })

  it("a clock that is 5 s off", async () => {
    const { url } = await roleWith(...healthy)
    const report = await look({ url }, (effect) =>
      Effect.flatMap(Clock.Clock, (clock) => {
        const behind = Object.create(clock) as { -readonly [Key in keyof Clock.Clock]: Clock.Clock[Key] }
        behind.currentTimeMillisUnsafe = () => clock.currentTimeMillisUnsafe() - 5000
        behind.currentTimeMillis = Effect.sync(behind.currentTimeMillisUnsafe)
        return Effect.provideService(effect, Clock.Clock, behind)
      }))
    expect(report.troubles).toEqual(["clock warning"])
    expect(report.step("clock").summary).toMatch(/^the server's clock is [45](\.\d+)? s ahead of this machine's$/)
  })

  it("a server that falls silent after the login costs the limit, and nothing more", async () => {
    const { url } = await roleWith(...healthy)
    const proxy = await startWireProxy({ postgresUrl: url })
    proxy.plan.delayMs = 5
    const running = look({ url: proxy.url, connectTimeout: 700 })
    const { stats } = proxy
    // The first connection asks for TLS alone; of the second the login takes some frames.
    while (stats.accepted < 2 || stats.framesFromClient < 12) await new Promise((resolve) => setTimeout(resolve, 1))
    proxy.plan.hold = true
    const startedAt = Date.now()
    const report = await running
    expect(report.step("authentication").status).toBe("ok")
    const silent = report.steps.find(({ status }) => status === "failed")
    expect(silent?.summary).toMatch(/fell silent|no answer within 700 ms/)
    expect(report.step("roundTrip").summary).toBe("the session was lost")
    expect(Date.now() - startedAt).toBeLessThan(4000)
    expect(report.verdict).toBe("findings")
    await proxy.close()
  })
})
