/** What a pooler takes away is refused before it is sent, and can be had on a session of its own. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as DbConfig from "../../src/config/DbConfig.ts"
import { Database } from "../../src/connection/Database.ts"
import * as DbCore from "../../src/DbCore.ts"
import { capabilities } from "../../src/driver/Capabilities.ts"
import { forbidden } from "../../src/driver/PoolerRules.ts"
import { connect } from "../../src/driver/Session.ts"
import * as StatementLimit from "../../src/driver/StatementLimit.ts"
import { tcp } from "../../src/driver/transport/tcp.ts"

describe("PoolerRules", () => {
  it.each([
    ["LISTEN changes", "LISTEN"],
    ["  -- wait\n listen changes", "LISTEN"],
    ["SET search_path = x", "SET for a session"],
    ["set session statement_timeout = 1", "SET for a session"],
    ["RESET ALL", "SET for a session"],
    ["select pg_advisory_lock(1)", "an advisory lock of a session"],
    ["select pg_try_advisory_lock_shared(1)", "an advisory lock of a session"],
    ["select pg_advisory_unlock_all()", "an advisory lock of a session"],
    ["PREPARE p as select 1", "PREPARE in SQL"],
    ["deallocate all", "PREPARE in SQL"],
    ["DECLARE c CURSOR WITH HOLD FOR select 1", "a cursor WITH HOLD"],
    ["create temp table t (id int)", "a temporary table"],
    ["create local temporary table t (id int) on commit preserve rows", "a temporary table"],
    ["load 'auto_explain'", "LOAD"]
  ])("refuses %s", (text, what) => assert.strictEqual(forbidden(text), what))

  it.each([
    "select 1",
    "SET LOCAL statement_timeout = 1",
    "set transaction read only",
    "set constraints all deferred",
    "select pg_advisory_xact_lock(1)",
    "prepare transaction 'x'",
    "declare c cursor for select 1",
    "create temp table t (id int) on commit drop",
    "select 'LISTEN to this'",
    "update settings set reset = true",
    "notify changes"
  ])("lets %s pass", (text) => assert.isUndefined(forbidden(text)))
})

describe("behind a pooler", () => {
  let database: TestDatabase
  let pooled: string
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    const url = new URL(database.url)
    url.searchParams.set("pgbouncer", "true")
    pooled = url.href
  })
  afterAll(() => database.close())

  const using = async <A>(
    input: DbConfig.Input,
    body: (runtime: ManagedRuntime.ManagedRuntime<DbCore.DbCore, unknown>, lines: Array<string>) => Promise<A>
  ) => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => void lines.push(String(message)))
    const runtime = ManagedRuntime.make(Layer.provideMerge(DbCore.layerOf({}, input), Logger.layer([logger])))
    try {
      return await body(runtime, lines)
    } finally {
      await runtime.dispose()
    }
  }
  const listen = Database.use((db) => db.query((d) => d.execute(sql`listen changes`)))

  it("refuses with a typed error that says what to do, and sends nothing", () =>
    using({ url: pooled, applicationName: "refused" }, async (runtime) => {
      const error = await runtime.runPromise(Effect.flip(listen))
      assert.strictEqual(error.reason._tag, "Unsupported")
      assert.strictEqual(error.fate, "NotSent")
      assert.match(error.message, /LISTEN does not work through a pooler.*Database\.direct/)
      const opened = await database.admin("select 1 from pg_stat_activity where application_name = 'refused'")
      assert.strictEqual(opened.length, 0)
    }))

  it("keeps one session for all of Database.direct, named and without limit, and closes it", () =>
    using({ url: pooled, directUrl: database.url, applicationName: "ems test" }, async (runtime) => {
      const seen = await runtime.runPromise(Database.use((db) =>
        db.direct((d) =>
          Effect.gen(function*() {
            yield* d.execute(sql`set application_name = default`)
            yield* d.execute(sql`select pg_advisory_lock(7)`)
            yield* d.execute(sql`create temp table kept (id int)`)
            yield* d.execute(sql`insert into kept values (1)`)
            const { rows } = yield* d.execute<Record<string, unknown>>(
              sql`select current_setting('application_name') as name, current_setting('statement_timeout') as timeout,
                    (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
                    (select count(*)::int from kept) as kept`
            )
            return rows[0]
          })
        )
      ))
      assert.deepStrictEqual(seen, { name: "ems test maintenance", timeout: "0", locks: 1, kept: 1 })
      const left = await database.admin("select 1 from pg_stat_activity where application_name like 'ems test%maint%'")
      assert.strictEqual(left.length, 0)
    }))

  it("lends one session of that kind at a time", () =>
    using({ url: pooled, directUrl: database.url, applicationName: "single" }, async (runtime) => {
      let most = 0
      const count = sql`select count(*)::int as n from pg_stat_activity where application_name = 'single maintenance'`
      await runtime.runPromise(Database.use((db) =>
        Effect.all(
          Array.from({ length: 4 }, () =>
            db.direct((d) =>
              Effect.map(d.execute<{ n: number }>(count), ({ rows }) => {
                most = Math.max(most, rows[0]!.n)
              })
            )),
          { concurrency: "unbounded" }
        )
      ))
      assert.strictEqual(most, 1)
    }))

  it("says what is missing when the way past the pooler is not known", () =>
    using({ url: pooled }, async (runtime) => {
      const error = await runtime.runPromise(
        Effect.flip(Database.use((db) => db.direct((d) => d.execute(sql`listen changes`))))
      )
      assert.strictEqual(error.reason._tag, "Unsupported")
      assert.include(error.message, "EMS_DIRECT_URL")
    }))

  it("warns when the server puts no limit on statements, and not when the role has one", async () => {
    const read = Database.use((db) => db.query((d) => d.execute(sql`select 1`)))
    await using({ url: pooled, queryTimeout: 2000 }, async (runtime, lines) => {
      await runtime.runPromise(read)
      assert.isTrue(lines.some((line) => line.includes("ALTER ROLE")))
    })
    await using({ url: database.url, queryTimeout: 2000 }, async (runtime, lines) => {
      await runtime.runPromise(read)
      assert.deepStrictEqual(lines, [])
    })
  })
})

describe("StatementLimit", () => {
  it("sets the limit on every connection whose startup parameters were dropped", async () => {
    const database = await createTestDatabase({ template: false })
    const config = Result.getOrThrow(DbConfig.make({ url: database.url, queryTimeout: 1234 }))
    const dropped = { ...capabilities.direct, startupOptions: false }
    const open = StatementLimit.ensured(
      connect(config, { target: config.target, capabilities: dropped, open: tcp(config.target) }),
      dropped,
      config.queryTimeout
    )
    for (const _ of [1, 2]) {
      const session = await Effect.runPromise(open)
      const { rows } = await Effect.runPromise(session.connection.query("show statement_timeout", [], false))
      assert.deepStrictEqual(rows, [{ statement_timeout: "1234ms" }])
      await Effect.runPromise(session.close)
    }
    await database.close()
  })
})
