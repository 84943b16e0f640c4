/** What becomes of a statement when its connection dies at the worst moment: cut by a proxy, checked in the table. */
import { createTestDatabase, startWireProxy, type TestDatabase, type WireProxy } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { on } from "@ems/db-testing/WireProxy"
import { sql } from "drizzle-orm"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import * as CommitResolver from "../../src/connection/CommitResolver.ts"
import { Database, type DatabaseShape } from "../../src/connection/Database.ts"
import { Pool } from "../../src/connection/Pool.ts"
import * as DbCore from "../../src/DbCore.ts"
import { none } from "../../src/driver/StatementHooks.ts"
import { WireConnection } from "../../src/driver/WireConnection.ts"
import type { DbError } from "../../src/errors/DbError.ts"

const relations = {}

describe("Fate", () => {
  let database: TestDatabase
  let proxy: WireProxy
  let runtime: ManagedRuntime.ManagedRuntime<DbCore.DbCore, unknown>
  let url: string

  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    await database.admin("create table h (id text not null)")
    await database.admin(`create function writes(id text) returns text language sql volatile
      as $$ insert into h values (id); select id $$`)
    proxy = await startWireProxy({ postgresUrl: database.url })
    url = proxy.url
    runtime = ManagedRuntime.make(DbCore.layerOf(relations, { url, poolMax: 4, commitResolveTimeout: 1000 }))
  })
  afterEach(() => proxy.heal())
  afterAll(async () => {
    await runtime.dispose()
    await proxy.close()
    await database.close()
  })

  let ids = 0
  const newId = () => `id${++ids}`
  const rows = async (id: string) =>
    Number((await database.admin("select count(*) as n from h where id = $1", [id]))[0]?.["n"])
  const run = <A, E>(use: (db: DatabaseShape<{}>) => Effect.Effect<A, E, DbCore.DbCore>) =>
    runtime.runPromise(Effect.flatMap(Database.with(relations), use))
  const insert = (id: string) => sql`insert into h values (${id})`

  /** Inserts in a transaction and says how often its body ran. */
  const inTransaction = (id: string, retry: boolean) => {
    let runs = 0
    return run((db) =>
      Effect.exit(db.transaction((tx) => {
        runs++
        return tx.execute(insert(id))
      }, { retry }))
    ).then((exit) => ({ exit, runs: () => runs }))
  }
  const errorOf = (exit: Exit.Exit<unknown, DbError>): DbError => Option.getOrThrow(Exit.findErrorOption(exit))

  /** Asks the server what became of a transaction, over a connection of the pool. */
  const resolve = (marker: CommitResolver.Marker & { readonly xid: string }, within: number) =>
    runtime.runPromise(Effect.gen(function*() {
      const pool = yield* Pool
      const clock = yield* Clock.Clock
      const lease = Effect.map(
        pool.lease,
        // Alarms are for shared connections; this one is exclusive.
        (session) => new WireConnection(session, session.connection, "exclusive", none, clock, {} as never)
      )
      return yield* CommitResolver.resolve({ lease }, marker, within)
    }))

  describe("COMMIT that does not reach the server", () => {
    const cut = (how: "reset" | "end") =>
      proxy.add({ match: on.statement(/^COMMIT/), action: { do: "cut", how, at: "before" }, times: 1 })

    it.each(["reset", "end"] as const)("is a transaction rolled back (%s)", async (how) => {
      const id = newId()
      const rule = cut(how)
      const { exit, runs } = await inTransaction(id, false)
      assert.strictEqual(rule.fired, 1)
      assert.strictEqual(exit._tag, "Failure")
      assert.strictEqual(errorOf(exit).fate, "RolledBack")
      assert.deepStrictEqual([await rows(id), runs()], [0, 1])
    })

    it("runs a transaction again that may", async () => {
      const id = newId()
      cut("reset")
      const { exit, runs } = await inTransaction(id, true)
      assert.strictEqual(exit._tag, "Success")
      assert.deepStrictEqual([await rows(id), runs()], [1, 2])
    })

    it("runs a write again", async () => {
      const id = newId()
      cut("reset")
      await run((db) => db.write((d) => d.execute(insert(id))))
      assert.strictEqual(await rows(id), 1)
    })
  })

  describe("COMMIT whose answer is lost", () => {
    it.each(["reset", "end"] as const)("is found to have taken effect (%s)", async (how) => {
      const id = newId()
      const rule = proxy.add({ match: on.complete(/^COMMIT$/), action: { do: "cut", how, at: "before" }, times: 1 })
      const { exit, runs } = await inTransaction(id, true)
      assert.strictEqual(rule.fired, 1)
      assert.strictEqual(exit._tag, "Success")
      assert.deepStrictEqual([await rows(id), runs()], [1, 1])
    })

    it("is found to have taken effect on a session of its own, too", async () => {
      const id = newId()
      const rule = proxy.add({
        match: on.complete(/^COMMIT$/),
        action: { do: "cut", how: "reset", at: "before" },
        times: 1
      })
      await run((db) => db.direct((d) => d.transaction((tx) => tx.execute(insert(id)))))
      assert.deepStrictEqual([rule.fired, await rows(id)], [1, 1])
    })

    it("needs no question when the answer came and ReadyForQuery did not", async () => {
      const id = newId()
      proxy.add({ match: on.ready(/^COMMIT/), action: { do: "cut", how: "reset", at: "before" }, times: 1 })
      const asked = proxy.add({ match: on.statement(/pg_xact_status/), action: { do: "delay", ms: 0 } })
      const { exit } = await inTransaction(id, false)
      assert.strictEqual(exit._tag, "Success")
      assert.deepStrictEqual([await rows(id), asked.matched], [1, 0])
    })

    it("is no matter for a transaction that wrote nothing", async () => {
      proxy.add({ match: on.complete(/^COMMIT$/), action: { do: "cut", how: "reset", at: "before" }, times: 1 })
      const result = await run((db) => db.transaction((tx) => tx.execute<{ n: number }>(sql`select 7 as n`)))
      assert.deepStrictEqual(result.rows, [{ n: 7 }])
    })

    it("is CommitUnknown when the server cannot be asked", async () => {
      const id = newId()
      proxy.add({ match: on.complete(/^COMMIT$/), action: { do: "cut", how: "reset", at: "before" }, times: 1 })
      // Every later login fails.
      proxy.add({ match: on.statement(/pg_xact_status/), action: { do: "cut", how: "reset", at: "before" } })
      const { exit } = await inTransaction(id, true)
      const error = errorOf(exit)
      assert.deepStrictEqual([error.reason._tag, error.fate, await rows(id)], ["CommitUnknown", "Unknown", 1])
    })

    it("is not asked of another server: neither another cluster, nor another timeline, nor one that crashed", async () => {
      const marked = await run((db) =>
        db.transaction((tx) =>
          Effect.map(
            tx.execute<{ xid: string; system: string; since: string; pid: number }>(sql`
              select pg_current_xact_id()::text as xid, pg_backend_pid() as pid,
                     (select extract(epoch from stats_reset) from pg_stat_wal)::text as since,
                     (select system_identifier from pg_control_system())::text as system`),
            (result) => result.rows[0]!
          )
        )
      )
      const ask = (systemIdentifier: string, timeline: string, xid = marked.xid, statisticsSince = marked.since) =>
        resolve({ xid, identity: { systemIdentifier, timeline, statisticsSince, pid: marked.pid } }, 1000)
      assert.strictEqual(await ask(marked.system, "00000001"), "committed")
      assert.isUndefined(await ask("1", "00000001"))
      assert.isUndefined(await ask(marked.system, "00000002"))
      // After a crash the same xids are given out again.
      assert.isUndefined(await ask(marked.system, "00000001", marked.xid, "1"))
      // An xid from the future is another history's.
      assert.isUndefined(await ask(marked.system, "00000001", "999999999"))
    })

    it("is settled when its backend hangs: it is ended, and nobody else", async () => {
      const holder = await connect(database.url)
      const bystander = await connect(database.url)
      holder.on("error", () => {})
      const id = newId()
      await holder.query("begin")
      await holder.query("insert into h values ($1)", [id])
      const { rows: [marked] } = await holder.query<{ xid: string; pid: number; system: string; since: string }>(
        `select pg_current_xact_id()::text as xid, pg_backend_pid() as pid,
                (select extract(epoch from stats_reset) from pg_stat_wal)::text as since,
                (select system_identifier from pg_control_system())::text as system`
      )
      const outcome = await resolve({
        xid: marked!.xid,
        identity: {
          systemIdentifier: marked!.system,
          timeline: "00000001",
          statisticsSince: marked!.since,
          pid: marked!.pid
        }
      }, 5000)
      assert.strictEqual(outcome, "aborted")
      assert.strictEqual(await rows(id), 0)
      await bystander.query("select 1")
      await bystander.end()
      await holder.end().catch(() => {})
    })
  })

  // The wire client takes these codes for a prepared statement that went stale, and would send COMMIT once more: it
  // succeeds, because there is nothing left to commit.
  it.each(["0A000", "26000"])("does not take a COMMIT that is refused with %s for done", async (code) => {
    await database.admin(`create or replace function refuse() returns trigger language plpgsql
      as $$ begin if new.id like 'doomed%' then raise exception 'no' using errcode = '${code}'; end if; return null; end $$`)
    await database.admin("drop trigger if exists refuse on h")
    await database.admin(`create constraint trigger refuse after insert on h deferrable initially deferred
      for each row execute function refuse()`)
    // Prepared by earlier transactions on every connection.
    for (let n = 0; n < 6; n++) await run((db) => db.write((d) => d.execute(insert(newId()))))
    const id = `doomed-${code}`
    const errors = [
      await run((db) => Effect.flip(db.write((d) => d.execute(insert(id))))),
      await run((db) => Effect.flip(db.transaction((tx) => tx.execute(insert(id))))),
      await run((db) => Effect.flip(db.query((d) => d.execute(insert(id)))))
    ]
    await database.admin("drop trigger refuse on h")
    for (const error of errors) assert.include(["RolledBack", "Refused"], error.fate)
    assert.strictEqual(await rows(id), 0)
  })

  it("leaves an autocommit write whose answer is lost unknown, and does not send it again", async () => {
    const id = newId()
    const rule = proxy.add({
      match: on.complete(/^INSERT/),
      action: { do: "cut", how: "reset", at: "before" },
      times: 1
    })
    const sent = proxy.add({ match: on.sent(/insert into h/), action: { do: "delay", ms: 0 } })
    const error = await run((db) => Effect.flip(db.query((d) => d.execute(insert(id)))))
    assert.strictEqual(rule.fired, 1)
    assert.deepStrictEqual([error.reason._tag, error.fate], ["CommitUnknown", "Unknown"])
    assert.deepStrictEqual([await rows(id), sent.matched], [1, 1])
  })

  it("runs a write once whose INSERT was answered by nobody", async () => {
    const id = newId()
    proxy.add({ match: on.complete(/^INSERT/), action: { do: "cut", how: "reset", at: "before" }, times: 1 })
    await run((db) => db.write((d) => d.execute(insert(id))))
    assert.strictEqual(await rows(id), 1)
  })

  it("sends a read again", async () => {
    const rule = proxy.add({
      match: on.dataRow(/forty-two/),
      action: { do: "cut", how: "reset", at: "inside" },
      times: 1
    })
    const result = await run((db) => db.query((d) => d.execute(sql`select 42 as n, 'forty-two' as t`)))
    assert.strictEqual(rule.fired, 1)
    assert.deepStrictEqual(result.rows, [{ n: 42, t: "forty-two" }])
  })

  it("does not take a function that writes for a read", async () => {
    const first = newId()
    const result = await run((db) => db.query((d) => d.execute(sql`select writes(${first}) as w`)))
    assert.deepStrictEqual([result.rows, await rows(first)], [[{ w: first }], 1])
    const second = newId()
    proxy.add({ match: on.complete(/^SELECT/), action: { do: "cut", how: "reset", at: "before" }, times: 1 })
    const error = await run((db) => Effect.flip(db.query((d) => d.execute(sql`select writes(${second}) as w`))))
    assert.deepStrictEqual([error.fate, await rows(second)], ["Unknown", 1])
  })

  it("lets writes write on a connection that reads were shared on", async () => {
    for (let round = 0; round < 5; round++) {
      const id = newId()
      await run((db) =>
        Effect.gen(function*() {
          yield* db.query((d) => d.execute(sql`select 1`))
          yield* db.query((d) => d.execute(insert(id)))
          yield* db.query((d) => d.execute(sql`select 2`))
          yield* db.transaction((tx) => tx.execute(insert(id)))
          yield* db.write((d) => d.execute(insert(id)))
        })
      )
      assert.strictEqual(await rows(id), 3)
    }
  })

  it("connects again while the server is away, and gives up in time", async () => {
    await proxy.setConnect("refuse")
    proxy.cutAll("reset")
    const id = newId()
    const writing = run((db) => db.write((d) => d.execute(insert(id))))
    await new Promise((resolve) => setTimeout(resolve, 150))
    await proxy.setConnect("accept")
    await writing
    assert.strictEqual(await rows(id), 1)
    await proxy.setConnect("refuse")
    proxy.cutAll("reset")
    const started = performance.now()
    const error = await run((db) => Effect.flip(db.write((d) => d.execute(insert(id)))))
    assert.deepStrictEqual([error.reason._tag, error.fate], ["ConnectFailed", "NotSent"])
    assert.isBelow(performance.now() - started, 3000)
  })

  it("runs transactions again that lose against each other", async () => {
    await database.admin("create table account (id int primary key, cents int not null)")
    await database.admin("insert into account values (1, 1000), (2, 1000)")
    const transfer = (from: number, to: number) =>
      run((db) =>
        db.transaction((tx) =>
          Effect.gen(function*() {
            const { rows: [row] } = yield* tx.execute<{ cents: number }>(
              sql`select cents from account where id = ${from}`
            )
            yield* tx.execute(sql`update account set cents = ${row!.cents - 1} where id = ${from}`)
            yield* tx.execute(sql`update account set cents = cents + 1 where id = ${to}`)
          }), { isolationLevel: "serializable", retry: true })
      )
    await Promise.all(Array.from({ length: 16 }, (_, at) => at % 2 === 0 ? transfer(1, 2) : transfer(2, 1)))
    assert.deepStrictEqual(await database.admin("select sum(cents)::int as n, min(cents) as low from account"), [{
      n: 2000,
      low: 1000
    }])
  })
})
