import { createTestDatabase } from "@ems/db-testing"
import { databaseUrl } from "@ems/db-testing/Admin"
import { SessionSignalled } from "@ems/schema/contract/SessionSignal"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeApp, problemOf } from "../support.ts"
import { type Answerer, type Bench, bench, eventually, post } from "./support.ts"

const decode = Schema.decodeUnknownSync(SessionSignalled, { onExcessProperty: "error" })

let it_: Bench
beforeAll(async () => {
  it_ = await bench()
})
afterAll(() => it_.close())

type Client = Awaited<ReturnType<Bench["client"]>>

const pidOf = async (client: Client): Promise<number> =>
  Number((await client.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid)

/** Not waited for; what became of it. */
const busy = async (client: Client, sql: string) => {
  const pid = await pidOf(client)
  const ended = client.query(sql).then(() => "done", (error: { readonly code?: string }) => error.code ?? "lost")
  await eventually(async () =>
    (await it_.admin("select 1 from pg_stat_activity where pid = $1 and state = 'active'", [pid])).length === 1
  )
  return { pid, ended }
}

const cancel = (pid: number | string, body: object = {}, app: Answerer = it_.app) =>
  app.handle(post(`/api/db/activity/${pid}/cancel`, { reason: "it blocks others", ...body }))

const terminate = (pid: number, body: object = {}, app: Answerer = it_.app) =>
  app.handle(post(`/api/db/activity/${pid}/terminate`, { reason: "it blocks others", confirm: pid, ...body }))

const startOf = async (pid: number): Promise<Date> =>
  (await it_.admin("select backend_start from pg_stat_activity where pid = $1", [pid]))[0]?.["backend_start"] as Date

describe("POST /api/db/activity/:pid/cancel", () => {
  it("ends the statement and leaves the session; is audited", async () => {
    const client = await it_.client()
    const { ended, pid } = await busy(client, "select pg_sleep(30)")
    const response = await cancel(pid)
    expect(response.status).toBe(200)
    const signalled = decode(await response.json())
    expect(signalled).toMatchObject({ pid, action: "cancel", state: "active", isOver: true })
    expect(signalled.backendStart).toBe((await startOf(pid)).toISOString())
    expect(await ended).toBe("57014")
    expect(await pidOf(client)).toBe(pid)
    const [entry] = await it_.admin(
      "select i.actor, i.reason, o.outcome from ems_internal.audit_log i join ems_internal.audit_log o on o.intent_id = i.id " +
        "where i.action = 'session.cancel' and i.target = $1",
      [`pid ${pid}`]
    )
    expect(entry).toEqual({ actor: "anonymous", reason: "it blocks others", outcome: "succeeded" })
  })

  it("says so when the statement goes on", async () => {
    await it_.admin(`create function stubborn() returns void language plpgsql as $$
begin
  perform pg_sleep(20);
exception when query_canceled then perform pg_sleep(20);
end $$`)
    const client = await it_.client()
    const { ended, pid } = await busy(client, "select stubborn()")
    const signalled = decode(await (await cancel(pid)).json())
    expect(signalled.isOver).toBe(false)
    expect(signalled.waitedMs).toBeGreaterThanOrEqual(2000)
    expect(signalled.waitedMs).toBeLessThan(3000)
    expect(decode(await (await terminate(pid)).json()).isOver).toBe(true)
    expect(await ended).not.toBe("done")
  })

  it("409 when nothing runs", async () => {
    const client = await it_.client()
    const pid = await pidOf(client)
    expect(await problemOf(await cancel(pid))).toMatchObject({ status: 409, reason: "NotActive" })
    await client.query("begin")
    const problem = await problemOf(await cancel(pid))
    expect(problem.detail).toContain("idle in transaction")
  })

  it("422 for what is no request", async () => {
    for (const [pid, body] of [["0", {}], ["x", {}], ["1.5", {}], ["2147483648", {}]] as const) {
      expect([pid, (await problemOf(await cancel(pid, body))).status]).toEqual([pid, 422])
    }
    for (
      const body of [{ reason: "" }, { reason: " " }, { reason: "x".repeat(201) }, { backendStart: "today" }, { x: 1 }]
    ) {
      expect([body, (await problemOf(await cancel(1, body))).status]).toEqual([body, 422])
    }
  })
})

describe("POST /api/db/activity/:pid/terminate", () => {
  it("ends the session when its number is said twice", async () => {
    const client = await it_.client()
    const pid = await pidOf(client)
    expect(await problemOf(await terminate(pid, { confirm: pid + 1 }))).toMatchObject({
      status: 422,
      reason: "NotConfirmed"
    })
    const unsure = post(`/api/db/activity/${pid}/terminate`, { reason: "it blocks others" })
    expect((await problemOf(await it_.app.handle(unsure))).status).toBe(422)
    expect(await pidOf(client)).toBe(pid)
    const backendStart = (await startOf(pid)).toISOString()
    const signalled = decode(await (await terminate(pid, { backendStart })).json())
    expect(signalled).toMatchObject({ pid, action: "terminate", state: "idle", isOver: true })
    expect(await it_.admin("select 1 from pg_stat_activity where pid = $1", [pid])).toEqual([])
    expect(await problemOf(await terminate(pid))).toMatchObject({ status: 404, reason: "UnknownSession" })
  })

  it("409 when the number was given to another session since", async () => {
    const client = await it_.client()
    const pid = await pidOf(client)
    const earlier = new Date((await startOf(pid)).getTime() - 1).toISOString()
    expect(await problemOf(await terminate(pid, { backendStart: earlier }))).toMatchObject({
      status: 409,
      reason: "AnotherSession"
    })
    expect(await pidOf(client)).toBe(pid)
  })

  it("leaves alone its own sessions, those of other databases, the server's and those that replicate", async () => {
    const own = await it_.admin(
      "select pid from pg_stat_activity where application_name = 'ems' and datname = current_database()"
    )
    expect(own.length).toBeGreaterThan(0)
    for (const { pid } of own) {
      expect(await problemOf(await terminate(Number(pid)))).toMatchObject({ status: 422, reason: "OwnSession" })
    }
    const elsewhere = await createTestDatabase({ template: false })
    const [other] = await elsewhere.admin("select pg_backend_pid() as pid")
    expect(await problemOf(await terminate(Number(other?.["pid"])))).toMatchObject({
      status: 422,
      reason: "AnotherDatabase"
    })
    await elsewhere.close()
    const [background] = await it_.admin("select pid from pg_stat_activity where backend_type = 'checkpointer'")
    for (const send of [cancel, terminate]) {
      const problem = await problemOf(await send(Number(background?.["pid"])))
      expect(problem).toMatchObject({ status: 422, reason: "NotAClient" })
      expect(problem.detail).toContain("checkpointer")
    }
    const url = new URL(it_.database.url)
    url.searchParams.set("replication", "database")
    const sender = await it_.client(url.href)
    await sender.query("IDENTIFY_SYSTEM")
    const [walsender] = await it_.admin("select pid from pg_stat_activity where backend_type = 'walsender'")
    expect(await problemOf(await terminate(Number(walsender?.["pid"])))).toMatchObject({
      status: 422,
      reason: "NotAClient",
      detail: expect.stringContaining("walsender")
    })
  })

  it("403 says what to grant", async () => {
    const suffix = it_.database.name.slice(-8)
    const [asker, victim] = [`asker_${suffix}`, `victim_${suffix}`]
    const urlOf = (role: string) => {
      const url = new URL(databaseUrl(it_.database.url, it_.database.name))
      url.username = role
      url.password = "secret"
      return url.href
    }
    for (const role of [asker, victim]) await it_.admin(`create role ${role} login password 'secret'`)
    await it_.admin(`grant usage on schema ems_internal to ${asker}`)
    await it_.admin(`grant select, insert on ems_internal.audit_log to ${asker}`)
    const { app, dispose } = await makeApp(urlOf(asker))
    const client = await it_.client(urlOf(victim))
    const pid = await pidOf(client)
    const refused = async (of: number) => {
      const problem = await problemOf(await terminate(of, {}, app))
      expect(problem).toMatchObject({ status: 403, reason: "NotPermitted" })
      return problem.detail
    }
    expect(await refused(pid)).toContain(`GRANT pg_read_all_stats TO "${asker}"`)
    await it_.admin(`grant pg_read_all_stats to ${asker}`)
    expect(await refused(pid)).toContain(`GRANT pg_signal_backend TO "${asker}"`)
    await it_.admin(`grant pg_signal_backend to ${asker}`)
    const superuser = await it_.client()
    expect(await refused(await pidOf(superuser))).toContain("only a superuser")
    expect(decode(await (await terminate(pid, {}, app)).json()).isOver).toBe(true)
    await dispose()
    await it_.admin(`drop owned by ${asker}`)
    for (const role of [asker, victim]) await it_.admin(`drop role ${role}`)
  })
})
