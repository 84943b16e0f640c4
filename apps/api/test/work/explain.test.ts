import { Database } from "@ems/db-core/connection/Database"
import { ExplainedStatement } from "@ems/schema/contract/Explain"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { canary, problemOf } from "../support.ts"
import { type Answerer, type Bench, bench, post } from "./support.ts"

const path = "/api/db/explain"
const decode = Schema.decodeUnknownSync(ExplainedStatement, { onExcessProperty: "error" })

let it_: Bench
beforeAll(async () => {
  it_ = await bench()
  await it_.admin("create table skewed (id int primary key, kind text not null, note text)")
  // One kind in a thousand is rare: which plan is right depends on the value.
  await it_.admin(
    "insert into skewed select n, case when n % 5000 = 0 then 'rare' else 'common' end, md5(n::text) from generate_series(1, 20000) n"
  )
  await it_.admin("create index skewed_kind on skewed (kind)")
  await it_.admin("create table written (n int)")
  await it_.admin("create sequence counter")
  await it_.admin("analyze skewed")
})
afterAll(() => it_.close())

const ask = (body: object, app: Answerer = it_.app, headers = {}) => app.handle(post(path, body, headers))

const explained = async (body: object, app?: Answerer, headers?: object) => {
  const response = await ask(body, app, headers)
  const text = await response.text()
  expect([response.status, text]).toEqual([200, expect.any(String)])
  return decode(JSON.parse(text))
}

const refused = async (body: object) => {
  const response = await ask(body)
  return await problemOf(response)
}

describe("POST /api/db/explain", () => {
  it("plans a statement without running it", async () => {
    const plan = await explained({ sql: "select note from skewed where id = 7" })
    expect(plan).toMatchObject({ isGeneric: false, executionMs: null, plan: { "Index Name": "skewed_pkey" } })
    expect(plan.planningMs).toBeGreaterThan(0)
    await explained({ sql: "insert into written select id from skewed" })
    await explained({ sql: "delete from skewed where id > $1 returning note" })
    await explained({ sql: "select nextval('counter')" })
    await explained({ sql: "values (1), (2) -- and no more" })
    expect(await it_.admin("select count(*)::int as n from written")).toEqual([{ n: 0 }])
    expect(await it_.admin("select count(*)::int as n from skewed")).toEqual([{ n: 20_000 }])
    expect(await it_.admin("select is_called from counter")).toEqual([{ is_called: false }])
  })

  it("plans for any values, or for those that are given", async () => {
    const sql = "select note from skewed where kind = $1 and note <> $2"
    const generic = await explained({ sql })
    expect(generic.isGeneric).toBe(true)
    const rare = await explained({ sql, parameters: ["rare", "o'clock \\"] })
    const common = await explained({ sql, parameters: ["common", null] })
    const typical = await explained({ sql, parameters: ["common", "x"] })
    expect([rare.isGeneric, common.isGeneric]).toEqual([false, false])
    expect(JSON.stringify(rare.plan)).toContain("skewed_kind")
    expect(JSON.stringify(typical.plan)).not.toContain("skewed_kind")
    expect(rare.shape).not.toBe(typical.shape)
  })

  it("runs it when an admin asks, and writes that down without the statement", async () => {
    const body = { sql: `select count(*) from skewed where note <> '${canary}'`, analyze: true }
    const plan = await explained(body)
    expect(plan.executionMs).toBeGreaterThan(0)
    expect(plan.plan).toMatchObject({ "Actual Rows": 1 })
    const [entry] = await it_.admin(
      "select action, target from ems_internal.audit_log where action = 'explain.analyze' order by id desc limit 1"
    )
    expect(entry?.["target"]).toMatch(/^statement sha256:[0-9a-f]{32}$/)
    const operator = await it_.guarded("operator")
    expect((await ask(body, operator.app, operator.headers)).status).toBe(403)
    await explained({ sql: "select 1" }, operator.app, operator.headers)
    const admin = await it_.guarded("admin")
    await explained(body, admin.app, admin.headers)
    const viewer = await it_.guarded("viewer")
    expect((await ask({ sql: "select 1" }, viewer.app, viewer.headers)).status).toBe(403)
  })

  it.each([
    "insert into written values (1)",
    "with w as (delete from skewed returning 1) select * from w",
    "select nextval('counter')",
    "select * from skewed where id = 1 for update",
    "select set_config('transaction_read_only', 'off', true), (select count(*) from skewed)"
  ])("what writes is not run: %s", async (sql) => {
    const problem = await refused({ sql, analyze: true })
    expect([problem.status, problem.reason]).toEqual([
      422,
      sql.includes("set_config") ? "InvalidStatement" : "Writes"
    ])
    expect(await it_.admin("select count(*)::int as n from written")).toEqual([{ n: 0 }])
    expect(await it_.admin("select count(*)::int as n from skewed")).toEqual([{ n: 20_000 }])
    expect(await it_.admin("select is_called from counter")).toEqual([{ is_called: false }])
  })

  it.each([
    "select 1; select 2",
    "select 1; drop table written",
    "drop table written",
    "create table other as select 1",
    "set statement_timeout = 0",
    "commit",
    "(analyze) select 1",
    "analyze select 1",
    "execute ems_explain_0",
    "explain select 1",
    "vacuum",
    "copy written from program 'true'",
    "do $$ begin end $$",
    "--"
  ])("takes one statement that can be planned, not: %s", async (sql) => {
    for (const analyze of [false, true]) {
      expect(await refused({ sql, analyze })).toMatchObject({ status: 422, reason: "InvalidStatement" })
    }
  })

  it("says where the mistake is, and nothing of the statement, there or in a log", async () => {
    it_.lines.length = 0
    const syntax = await refused({ sql: `select '${canary}' frm skewed where` })
    expect(syntax).toMatchObject({ status: 422, sqlState: "42601", position: 26 })
    const name = await refused({ sql: `select "${canary}" from skewed` })
    expect(name).toMatchObject({ reason: "InvalidStatement", sqlState: "42703", position: 8 })
    const value = await refused({ sql: "select * from skewed where id = $1", parameters: [canary] })
    expect(value).toMatchObject({ reason: "InvalidValue", sqlState: "22P02" })
    const own = await refused({ sql: `select 1 / (id - id), '${canary}' from skewed`, analyze: true })
    expect(own).toMatchObject({ reason: "InvalidValue", sqlState: "22012" })
    await explained({ sql: `select '${canary}'`, analyze: true })
    expect(JSON.stringify(it_.lines)).not.toContain(canary)
    const figures = await it_.app.handle(post(path, { sql: "select 1" }))
    expect(figures.status).toBe(200)
  })

  it("wants as many parameters as there are", async () => {
    const sql = "select * from skewed where id = $1 or id = $2"
    const few = await refused({ sql, parameters: ["1"] })
    expect(few).toMatchObject({ status: 422, reason: "ParameterCount", expected: 2, given: 1 })
    expect(await refused({ sql, analyze: true })).toMatchObject({ reason: "ParameterCount", expected: 2, given: 0 })
    expect(await refused({ sql: "select 1", parameters: ["1"] })).toMatchObject({ expected: 0, given: 1 })
    await explained({ sql, analyze: true, parameters: ["1", "2"] })
    await explained({ sql: "select 1", parameters: [] })
  })

  it("stops in time: the statement, and the wait for a lock", async () => {
    const startedAt = performance.now()
    const slow = await refused({ sql: "select pg_sleep(20)", analyze: true, timeoutMs: 200 })
    expect(slow.status).toBe(422)
    const client = await it_.client()
    await client.query("begin")
    await client.query("lock table written in access exclusive mode")
    expect(await refused({ sql: "select * from written" })).toMatchObject({ status: 503, reason: "LockTimeout" })
    await client.query("rollback")
    expect(performance.now() - startedAt).toBeLessThan(4000)
    expect(
      await it_.admin(
        "select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and state = 'active' and pid <> pg_backend_pid()"
      )
    )
      .toEqual([])
  })

  it("leaves nothing behind: no lock, no setting, no prepared statement", async () => {
    await explained({ sql: "select pg_advisory_lock(4242), set_config('work_mem', '77MB', false)", analyze: true })
    await explained({ sql: "select 1" })
    await refused({ sql: "select 1 from" })
    const held = "select 1 from pg_locks where locktype = 'advisory' and objid = 4242"
    for (let left = 50; left > 0 && (await it_.admin(held)).length > 0; left--) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(await it_.admin(held)).toEqual([])
    const { rows } = await it_.run(
      Database.use((database) =>
        database.transaction((tx) =>
          tx.execute(
            "select current_setting('work_mem') as m, (select count(*)::int from pg_prepared_statements where name like 'ems_explain%') as n"
          )
        )
      )
    )
    expect(rows).toMatchObject([{ n: 0 }])
    expect(rows[0]?.["m"]).not.toBe("77MB")
  })

  it("calls nothing without analyze but what the planner does: not VOLATILE functions", async () => {
    for (const kind of ["immutable", "stable", "volatile"]) {
      await it_.admin(`create function ${kind}_one() returns int language plpgsql ${kind} as $$
begin
  raise exception '${canary}';
end $$`)
    }
    const where = (name: string) => ({ sql: `select * from skewed where id = ${name}_one()` })
    expect(await refused(where("immutable"))).toMatchObject({ status: 422, reason: "Failed", sqlState: "P0001" })
    expect(await refused(where("stable"))).toMatchObject({ status: 422, reason: "Failed", sqlState: "P0001" })
    await explained(where("volatile"))
    expect(await refused({ ...where("volatile"), analyze: true })).toMatchObject({ reason: "Failed" })
  })

  it("takes text of bounded length and time", async () => {
    for (
      const body of [
        {},
        { sql: "" },
        { sql: " " },
        { sql: "x".repeat(50_001) },
        { sql: "select 1", timeoutMs: 0 },
        { sql: "select 1", timeoutMs: 30_001 },
        { sql: "select 1", parameters: [1] },
        { sql: "select 1", verbose: true }
      ]
    ) {
      expect((await refused(body)).status).toBe(422)
    }
  })
})
