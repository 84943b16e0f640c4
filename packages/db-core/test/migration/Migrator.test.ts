/** The migrator on real Postgres: cut off anywhere it converges, of many at once one applies, nobody is held up. */
import { createTestDatabase, startWireProxy, type TestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { on } from "@ems/db-testing/WireProxy"
import { drizzle } from "drizzle-orm/node-postgres"
import { migrate as drizzleMigrate } from "drizzle-orm/node-postgres/migrator"
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Migrator from "../../src/migration/Migrator.ts"
import { dump, failure, folderOf, nameOf, put, runner } from "./support.ts"

/** Every kind of step: groups, statements alone, statements outside. */
const everything = [
  [
    "create type mood as enum ('sad', 'ok')",
    "create table t (id int primary key, v int, m mood)",
    "insert into t select n, n from generate_series(1, 50) n"
  ],
  [
    "create index concurrently t_v on t (v)",
    "alter type mood add value 'happy'",
    "update t set m = 'happy'",
    "alter table t add constraint t_v_positive check (v > 0) not valid",
    "alter table t validate constraint t_v_positive",
    "create table u (id int primary key, t_id int)",
    "alter table u add constraint u_t foreign key (t_id) references t (id) not valid",
    "alter table u validate constraint u_t",
    "create unique index concurrently u_t_id on u (t_id)",
    "drop index concurrently t_v",
    "reindex table concurrently t",
    "insert into u values (1, 1)",
    "vacuum t"
  ],
  ["alter table t add column w int default 7"]
]

/** A loop without an end would outlive its test, and the run. */
const until = async (isSo: () => boolean) => {
  for (let n = 0; n < 900 && !isSo(); n++) await sleep(20)
}

describe("the migrator", () => {
  const databases: Array<TestDatabase> = []
  const fresh = async (oldest = false) => {
    const database = await createTestDatabase({ template: false, oldest })
    databases.push(database)
    return database
  }
  afterAll(() => Promise.all(databases.map((database) => database.close())))

  let expected: { readonly dump: string; readonly rows: unknown }
  const stateOf = async (database: TestDatabase) => ({
    dump: await (async () => {
      const one = runner(database.url)
      try {
        return await one.run(dump)
      } finally {
        await one.close()
      }
    })(),
    rows: await database.admin("select * from t order by id")
  })
  beforeAll(async () => {
    const database = await fresh()
    // By another hand: the plain client, one statement after the other.
    for (const statement of everything.flat()) await database.admin(statement)
    expected = await stateOf(database)
  })

  const migrateOn = async (database: TestDatabase, folder: string, url = database.url) => {
    const one = runner(url)
    try {
      return await one.run(Migrator.migrate(folder))
    } finally {
      await one.close()
    }
  }

  it("applies what psql would, and then finds nothing to do", async () => {
    const database = await fresh()
    const folder = folderOf(...everything)
    const first = await migrateOn(database, folder)
    expect(first).toEqual({
      applied: [nameOf(0), nameOf(1), nameOf(2)],
      appliedNow: [nameOf(0), nameOf(1), nameOf(2)],
      pending: [],
      begun: [],
      edited: [],
      missing: [],
      repaired: []
    })
    expect(await stateOf(database)).toEqual(expected)
    const second = await migrateOn(database, folder)
    expect(second.appliedNow).toEqual([])
    expect(second.applied).toEqual(first.applied)
  })

  it("ten at once: exactly one applies", async () => {
    const database = await fresh()
    const folder = folderOf(...everything)
    const results = await Promise.all(Array.from({ length: 10 }, () => migrateOn(database, folder)))
    expect(results.filter(({ appliedNow }) => appliedNow.length > 0).map(({ appliedNow }) => appliedNow.length))
      .toEqual([3])
    expect(results.every(({ applied }) => applied.length === 3)).toBe(true)
    expect(await stateOf(database)).toEqual(expected)
  })

  /** What each cut must leave whole: small, because it runs once for each message. */
  const small = [
    ["create type mood as enum ('sad', 'ok')", "create table t (id int primary key, v int, m mood)"],
    [
      "insert into t values (1, 1)",
      "create index concurrently t_v on t (v)",
      "alter type mood add value 'happy'",
      "insert into t values (2, 2)"
    ]
  ]
  for (const side of ["before", "after"] as const) {
    it(`goes on and ends in the same database, cut off ${side} the server has each of its messages`, async () => {
      const cut = async (target: number) => {
        const database = await fresh()
        const proxy = await startWireProxy({ postgresUrl: database.url })
        const folder = folderOf(...small)
        let seen = 0
        const isMessage = side === "before" ? on.sent(/./) : on.ready(/./)
        const rule = proxy.add({
          match: (frame) => isMessage(frame) && ++seen === target,
          action: { do: "cut", how: "reset", at: "before" },
          times: 1
        })
        const result = await migrateOn(database, folder, proxy.url)
        await proxy.close()
        const state = await stateOf(database)
        await database.close()
        return { target, pending: result.pending, fired: rule.fired, state }
      }
      const { state: whole } = await cut(Number.POSITIVE_INFINITY)
      for (let first = 1;; first += 8) {
        const results = await Promise.all(Array.from({ length: 8 }, (_, at) => cut(first + at)))
        for (const { pending, state, target } of results) {
          expect(pending, `message ${target}`).toEqual([])
          expect(state, `message ${target}`).toEqual(whole)
        }
        if (results.some(({ fired }) => fired === 0)) {
          // Every statement, BEGIN, COMMIT and note was among them.
          expect(first).toBeGreaterThan(40)
          break
        }
      }
    }, 120_000)
  }

  it("killed in mid-statement it ends in the same database when it is run again", async () => {
    const [first = [], second = [], third = []] = everything
    for (const statement of ["create index concurrently t_v", "alter table t validate", "vacuum t"]) {
      const database = await fresh()
      const at = second.findIndex((each) => each.startsWith(statement))
      // Runs up to the statement, and no further.
      const folder = folderOf(first, [...second.slice(0, at), "select 1/0"])
      const one = runner(database.url)
      await one.run(failure(Migrator.migrate(folder)))
      await one.close()
      put(folder, 1, second)
      put(folder, 2, third)
      const other = await connect(database.url)
      await other.query("begin; lock table t in share update exclusive mode")
      const child = spawn(process.execPath, [join(import.meta.dirname, "migrateProcess.ts"), folder], {
        env: { ...process.env, DATABASE_URL: database.url, BUN_BE_BUN: "1" },
        stdio: "ignore"
      })
      const ended = new Promise((resolve) => child.once("exit", resolve))
      const waits = "select from pg_locks where relation = 't'::regclass and not granted"
      for (let n = 0; n < 900 && (await database.admin(waits)).length === 0; n++) await sleep(20)
      expect(child.exitCode, statement).toBe(null)
      child.kill("SIGKILL")
      await ended
      // The server goes on with the statement, and only then finds that nobody listens.
      await other.query("rollback")
      await other.end()
      const result = await migrateOn(database, folder)
      expect(result.pending, statement).toEqual([])
      expect(await stateOf(database), statement).toEqual(expected)
    }
  }, 60_000)

  it("takes an unusable index away and builds it again", async () => {
    const database = await fresh()
    const folder = folderOf(
      ["create table t (id int, v int)", "insert into t values (1, 1), (2, 1)"],
      ["create unique index concurrently if not exists t_v on t (v)"]
    )
    const one = runner(database.url)
    const failed = await one.run(failure(Migrator.migrate(folder)))
    expect(failed).toMatchObject({ reason: { _tag: "UniqueViolation" } })
    expect(await database.admin("select from pg_index where not indisvalid")).toEqual([])
    expect(await one.run(Migrator.status(folder))).toMatchObject({
      applied: [nameOf(0)],
      pending: [nameOf(1)],
      begun: []
    })
    // As a runner leaves it that was killed: IF NOT EXISTS would be content with it.
    await expect(database.admin("create unique index concurrently t_v on t (v)")).rejects.toThrow(/unique/i)
    await database.admin("delete from t where id = 2")
    const result = await one.run(Migrator.migrate(folder))
    expect(result.repaired).toEqual(["dropped the unusable index public.t_v"])
    expect(await database.admin("select indisvalid from pg_index where indexrelid = 't_v'::regclass"))
      .toEqual([{ indisvalid: true }])
    await one.close()
  })

  it("clears up behind a run that was cut off, and runs nothing", async () => {
    const database = await fresh()
    const folder = folderOf(
      ["create table t (id int, v int)", "insert into t values (1, 1), (2, 1)"],
      ["create index concurrently t_id on t (id)", "create unique index concurrently t_v on t (v)", "vacuum t"]
    )
    const one = runner(database.url)
    await one.run(failure(Migrator.migrate(folder)))
    // As if it had been killed while the second one was built, and before the first was noted.
    await database.admin(
      "update ems_internal.migration_statement set state = 'started', finished_at = null where ordinal = 0 and migration = $1",
      [nameOf(1)]
    )
    await database.admin(
      "insert into ems_internal.migration_statement (migration, ordinal, hash, state) values ($1, 1, $2, 'started')",
      [
        nameOf(1),
        createHash("sha256").update("create unique index concurrently t_v on t (v)").digest("hex")
      ]
    )
    await expect(database.admin("create unique index concurrently t_v on t (v)")).rejects.toThrow(/unique/i)
    expect(await one.run(Migrator.repair(folder))).toEqual([
      `${nameOf(1)}: CREATE INDEX in line 1 was done already`,
      "dropped the unusable index public.t_v",
      `${nameOf(1)}: CREATE INDEX in line 3 has to run again`
    ])
    expect(
      await database.admin("select indexrelid::regclass::text as name from pg_index where indrelid = 't'::regclass")
    ).toEqual([{ name: "t_id" }])
    expect(await one.run(Migrator.repair(folder))).toEqual([])
    await one.close()
  })

  it("a concurrent build that ran into its lock timeout leaves nothing", async () => {
    const database = await fresh()
    const folder = folderOf(["create table t (id int, v int)"], ["create index concurrently t_v on t (v)"])
    const one = runner(database.url)
    const first = folderOf(["create table t (id int, v int)"])
    await one.run(Migrator.migrate(first))
    const writer = await connect(database.url)
    await writer.query("begin")
    await writer.query("insert into t values (1, 1)")
    const options = { concurrentLockTimeout: 200, patience: 300 }
    const failed = await one.run(failure(Migrator.migrate(folder, options)))
    expect(failed).toMatchObject({ reason: { _tag: "LockTimeout", sqlState: "55P03" } })
    const migrating = one.run(Migrator.migrate(folder, { concurrentLockTimeout: 200 }))
    await until(() => one.logged.filter((line) => line.includes("trying again")).length >= 3)
    await writer.query("rollback")
    await writer.end()
    // Even taking it away waits for the writer, so the first run could not.
    expect((await migrating).appliedNow).toEqual([nameOf(1)])
    expect(
      await database.admin(
        "select indexrelid::regclass::text as name, indisvalid from pg_index where indrelid = 't'::regclass"
      )
    )
      .toEqual([{ name: "t_v", indisvalid: true }])
    await one.close()
  })

  it("waits for a lock a moment at a time, says who has it, and goes on when it is free", async () => {
    const database = await fresh()
    const folder = folderOf(["create table t (id int, v int)"], ["alter table t add column w int"])
    const one = runner(database.url)
    await one.run(Migrator.migrate(folderOf(["create table t (id int, v int)"])))
    const writer = await connect(database.url)
    await writer.query("set application_name = 'nightly report'; begin; insert into t values (1, 1)")
    const { rows: [{ pid }] } = await writer.query("select pg_backend_pid() as pid")
    const migrating = one.run(Migrator.migrate(folder, { lockTimeout: 300 }))
    await until(() => one.logged.some((line) => line.includes("trying again")))
    // Between two tries nobody is held up: a reader behind the waiting lock would be.
    const begun = performance.now()
    await database.admin("select * from t")
    expect(performance.now() - begun).toBeLessThan(1000)
    await writer.query("rollback")
    expect((await migrating).appliedNow).toEqual([nameOf(1)])
    const line = one.logged.find((each) => each.includes("trying again"))
    expect(line).toContain(`migration ${nameOf(1)}, ALTER TABLE in line 1, did not get its lock within 300 ms`)
    expect(line).toContain(`process ${pid} (nightly report), idle in transaction`)
    expect(line).toContain("holds RowExclusiveLock on t")
    await writer.end()
    await one.close()
  })

  it("gives up when its patience ends, and says for whom it waited", async () => {
    const database = await fresh()
    const one = runner(database.url)
    await one.run(Migrator.migrate(folderOf(["create table t (id int, v int)"])))
    const writer = await connect(database.url)
    await writer.query("begin; insert into t values (1, 1)")
    const folder = folderOf(["create table t (id int, v int)"], ["alter table t add column w int"])
    const failed = await one.run(failure(Migrator.migrate(folder, { lockTimeout: 200, patience: 500 })))
    expect(failed).toMatchObject({ fate: "RolledBack", reason: { _tag: "LockTimeout", sqlState: "55P03" } })
    expect(String(failed)).toContain("process")
    await writer.end()
    await one.close()
  })

  it("tells a second runner who is at it", async () => {
    const database = await fresh()
    const other = await connect(database.url)
    await other.query("set application_name = 'deploy 7'; select pg_advisory_lock(4170327934511827207)")
    const one = runner(database.url)
    const failed = await one.run(failure(Migrator.migrate(folderOf(["create table t (id int)"]), { runnerWait: 0 })))
    expect(failed).toMatchObject({ fate: "NotSent", reason: { _tag: "LockTimeout" } })
    expect(String(failed)).toContain("(deploy 7)")
    await other.end()
    await one.close()
  })

  it("refuses a migration whose statements were edited after they ran, and says so of applied ones", async () => {
    const database = await fresh()
    const folder = folderOf(["create table t (id int)", "create index concurrently t_id on t (id)", "select 1/0"])
    const one = runner(database.url)
    expect(await one.run(failure(Migrator.migrate(folder)))).toMatchObject({ reason: { sqlState: "22012" } })
    expect(await one.run(Migrator.status(folder))).toMatchObject({ pending: [nameOf(0)], begun: [nameOf(0)] })
    put(folder, 0, ["create table t (id bigint)", "create index concurrently t_id on t (id)"])
    expect(String(await one.run(failure(Migrator.migrate(folder))))).toContain(
      "its statement 1 has already run in other words"
    )
    // What has not run may be mended, and comments are nobody's business.
    put(folder, 0, ["-- why\ncreate table t (id int)", "create index concurrently t_id on t (id)", "select 1"])
    expect((await one.run(Migrator.migrate(folder))).appliedNow).toEqual([nameOf(0)])
    put(folder, 0, ["create table t (id int)"])
    expect(await one.run(Migrator.status(folder))).toMatchObject({ edited: [nameOf(0)], pending: [] })
    rmSync(join(folder, nameOf(0)), { recursive: true })
    expect(await one.run(Migrator.status(folder))).toMatchObject({ missing: [nameOf(0)] })
    await one.close()
  })

  it("refuses what it could not go on behind", async () => {
    const database = await fresh()
    const one = runner(database.url)
    for (
      const [text, said] of [
        ["begin; create table t (id int); commit", "the runner opens and commits transactions"],
        ["create table t (id int);\ncreate index concurrently on t (id)", "a name for the index of line 2"],
        ["select 1;\nselct 'secret'", "SQL of Postgres, up to line 2"]
      ] as const
    ) {
      const failed = String(await one.run(failure(Migrator.migrate(folderOf(text)))))
      expect(failed).toContain(said)
      expect(failed).not.toContain("secret")
    }
    expect(await database.admin("select to_regclass('t') as t")).toEqual([{ t: null }])
    await one.close()
  })

  it("takes several statements of one chunk apart", async () => {
    const database = await fresh()
    const folder = folderOf(
      "create table t (id int);\ncreate function f() returns int language sql begin atomic select 1; select 2; end;\n" +
        "do $$ begin perform 1; end $$; create index concurrently t_id on t (id);"
    )
    expect((await migrateOn(database, folder)).appliedNow).toEqual([nameOf(0)])
    expect(await database.admin("select count(*)::int as n from ems_internal.migration_statement")).toEqual([{ n: 4 }])
  })

  it("goes on where Drizzle's own migrator stopped, and Drizzle's where it stopped", async () => {
    const database = await fresh()
    const drizzles = async (folder: string) => {
      const client = await connect(database.url)
      try {
        await drizzleMigrate(drizzle({ client }), { migrationsFolder: folder })
      } finally {
        await client.end()
      }
    }
    const folder = folderOf(["create table a (id int)"])
    await drizzles(folder)
    put(folder, 1, ["create table b (id int)"])
    expect(await migrateOn(database, folder)).toMatchObject({
      applied: [nameOf(0), nameOf(1)],
      appliedNow: [nameOf(1)]
    })
    put(folder, 2, ["create table c (id int)"])
    await drizzles(folder)
    expect(await migrateOn(database, folder)).toMatchObject({ appliedNow: [], edited: [], pending: [] })
    const rows = await database.admin(
      "select id, hash, created_at, name, applied_at is not null as at from drizzle.__drizzle_migrations order by id"
    )
    expect(rows.map(({ hash, ...row }) => ({ ...row, hash: String(hash).length }))).toEqual([0, 1, 2].map((n) => ({
      id: n + 1,
      hash: 64,
      created_at: String(Date.UTC(2026, 0, 1, 0, 0, n)),
      name: nameOf(n),
      at: true
    })))
    // And where Drizzle is first on a database that we made.
    const other = await fresh()
    await migrateOn(other, folder)
    expect(
      await other.admin(
        "select column_name, data_type from information_schema.columns where table_name = '__drizzle_migrations' order by 1"
      )
    )
      .toEqual(
        await database.admin(
          "select column_name, data_type from information_schema.columns where table_name = '__drizzle_migrations' order by 1"
        )
      )
  })

  it("upgrades a journal of an older Drizzle as Drizzle does", async () => {
    const database = await fresh()
    const folder = folderOf(["create table a (id int)"], ["create table b (id int)"])
    await database.admin("create table a (id int)")
    await database.admin("create schema drizzle")
    await database.admin(
      "create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)"
    )
    await database.admin("insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', $1)", [
      Date.UTC(2026, 0, 1)
    ])
    expect(await migrateOn(database, folder)).toMatchObject({
      applied: [nameOf(0), nameOf(1)],
      appliedNow: [nameOf(1)]
    })
  })

  it.runIf(process.versions["bun"] !== undefined)("works on an embedded database", async () => {
    const one = runner("pglite:memory")
    const folder = folderOf(...everything)
    expect((await one.run(Migrator.migrate(folder))).appliedNow).toEqual([nameOf(0), nameOf(1), nameOf(2)])
    expect(await one.run(dump)).toBe(expected.dump)
    expect((await one.run(Migrator.migrate(folder))).appliedNow).toEqual([])
    await one.close()
  }, 60_000)
})
