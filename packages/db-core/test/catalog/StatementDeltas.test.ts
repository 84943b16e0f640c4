import { connect } from "@ems/db-testing/Admin"
import { describe, expect } from "vitest"
import * as Deltas from "../../src/catalog/StatementDeltas.ts"
import * as Store from "../../src/migration/StatementDeltas.ts"
import { ownServer } from "./OwnServer.ts"
import { situation, type Stage } from "./support.ts"

type Server = Pick<Stage, "run">

const look = ({ run }: Server, intervalMs = 0) => run(Deltas.sample({ intervalMs }))
const top = async ({ run }: Server, options: Partial<Deltas.TopOptions> = {}) => {
  const answer = await run(Deltas.top({ since: Date.now() - 7_200_000, limit: 1000, ...options }))
  if (!answer.isAvailable) throw new Error(answer.unavailable.text)
  return answer.rows
}
/** Of all hours: a test may run over the full one. */
const calls = async (server: Server, query: string): Promise<number> =>
  (await top(server)).find((row) => row.query === query)?.calls ?? 0

const install = async ({ admin, run }: Pick<Stage, "admin" | "run">) => {
  await admin("create extension pg_stat_statements", "create table t (id int primary key)")
  expect(await run(Store.install)).toBe(true)
  expect(await run(Store.install)).toBe(false)
}

const query = "select ? from t"
const asked = "select 4711 from t"
const ask = ({ admin }: Pick<Stage, "admin">, times: number) => admin(...Array.from({ length: times }, () => asked))

/** As many statements, each another one to Postgres. */
const sums = (count: number) => Array.from({ length: count }, (_, at) => `select 1${" + 1".repeat(at + 1)}`)

describe("statement deltas", () => {
  situation("say what is missing, one after the other", async ({ admin, run, server }) => {
    const reason = async () => {
      const sampled = await run(Deltas.sample())
      return sampled._tag === "Unavailable" ? sampled.unavailable : undefined
    }
    expect(await reason()).toMatchObject({ because: "extension" })
    expect(await run(Deltas.top({ since: 0 }))).toMatchObject({ isAvailable: false })
    if (server === "embedded") return
    await admin("create extension pg_stat_statements")
    expect(await reason()).toMatchObject({ because: "statistics" })
    expect(await run(Store.install)).toBe(true)
    expect(await reason()).toBeUndefined()
  })

  // The others on servers of their own: on the shared one, which every test fills, entries have to make room.

  ownServer("count from the first look on, each call once", {}, async (server) => {
    await install(server)
    await ask(server, 3)
    expect(await look(server)).toMatchObject({ _tag: "Sampled", how: "baseline", statements: 0 })
    expect(await top(server)).toEqual([])
    await ask(server, 2)
    expect(await look(server)).toMatchObject({ _tag: "Sampled", how: "delta" })
    expect(await calls(server, query)).toBe(2)
    expect(await look(server)).toMatchObject({ how: "delta" })
    expect(await calls(server, query)).toBe(2)
    await ask(server, 5)
    await look(server)
    expect(await calls(server, query)).toBe(7)
    const row = (await top(server)).find((row) => row.query === query)
    expect(row).toMatchObject({ user: "postgres", fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) })
    expect(row?.meanMs).toBeCloseTo(row!.totalMs / 7, 9)
    expect((await top(server)).reduce((sum, { share }) => sum + (share ?? 0), 0)).toBeCloseTo(1, 9)
    expect((await top(server, { by: "calls" }))[0]?.calls).toBeGreaterThanOrEqual(7)
    expect(await top(server, { since: Date.now() + 3_600_000 })).toEqual([])
    expect(await top(server, { limit: 1 })).toHaveLength(1)
  })

  ownServer("survive resets: of all, of one, and within one look", {}, async (server) => {
    await install(server)
    await ask(server, 5)
    await look(server)
    await ask(server, 3)
    await look(server)
    const all =
      "select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)"
    const one = "select pg_stat_statements_reset(0, d.oid, s.queryid) from pg_database d join pg_stat_statements s "
      + `on s.dbid = d.oid where datname = current_database() and s.query = 'select $1 from t'`
    for (const [reset, times, sum] of [[all, 4, 7], [one, 3, 10]] as const) {
      await server.admin(reset)
      await ask(server, times)
      await look(server)
      expect(await calls(server, query)).toBe(sum)
    }
    // Passed its old counters: from 17 on that is seen.
    await server.admin(one)
    await ask(server, 9)
    await look(server)
    expect(await calls(server, query)).toBe(server.version === "15" ? 16 : 19)
    // Gone at one look, and back with as many calls at the next.
    const before = await calls(server, query)
    await server.admin(one)
    await look(server)
    await ask(server, 9)
    await look(server)
    expect(await calls(server, query)).toBe(before + 9)
  })

  ownServer("of many processes one looks, and within a minute nobody else", {}, async (server) => {
    await install(server)
    await look(server)
    await ask(server, 3)
    const looks = await Promise.all(Array.from({ length: 6 }, () => look(server, Deltas.defaultInterval)))
    expect(looks).toEqual(looks.map(() => ({ _tag: "Skipped", because: expect.stringMatching(/recent|busy/) })))
    await server.admin("update ems_internal.statement_sample set at = at - interval '61 s'")
    const again = await Promise.all(Array.from({ length: 6 }, () => look(server, Deltas.defaultInterval)))
    expect(again.filter(({ _tag }) => _tag === "Sampled")).toHaveLength(1)
    expect(await calls(server, query)).toBe(3)

    const other = await connect(server.url())
    await other.query("begin; select pg_advisory_xact_lock(hashtextextended('ems_internal.statement_sample', 0))")
    expect(await look(server)).toEqual({ _tag: "Skipped", because: "busy" })
    await other.end()
  })

  ownServer("keep so many of an hour, the rest as one, and forget what is old", {}, async (server) => {
    await install(server)
    await look(server)
    const many = Deltas.keptPerHour + 50
    await server.admin(...sums(many))
    await look(server)
    await look(server)
    const all = await top(server)
    expect(all).toHaveLength(Deltas.keptPerHour + 1)
    const rest = all.at(-1)!
    expect(rest).toMatchObject({ queryId: null, query: null })
    expect(rest.calls).toBeGreaterThanOrEqual(50)
    // Nothing is lost by it: every one of ours is in one of them.
    const columns = all.filter(({ query }) => query?.startsWith("select ? + ?") === true)
    expect(columns.reduce((sum, { calls }) => sum + calls, 0) + rest.calls).toBeGreaterThanOrEqual(many)
    await server.admin(`update ems_internal.statement_hour set hour = hour - interval '${Deltas.keptDays} days 2 h'`)
    await look(server)
    expect(await top(server, { since: 0 })).not.toContainEqual(expect.objectContaining({ query: columns[0]?.query }))
    const kept = async (table: string) => (await rowsOf({ url: server.url() }, table))[0]?.["count"]
    expect(await kept("hour")).toBeLessThan(20)
    expect(await kept("text")).toBeLessThan(20)
  })

  ownServer("hold no literal, and only who sees all statements keeps them", {}, async (server) => {
    await install(server)
    await look(server)
    await server.admin("comment on table t is 'hunter2'", "do $$ begin perform 'hunter2'; end $$")
    await look(server)
    expect((await top(server)).some(({ query }) => query?.startsWith("comment on table t") === true)).toBe(true)
    expect(JSON.stringify(await rowsOf({ url: server.url() }, "text", "*"))).not.toContain("hunter2")
    expect(JSON.stringify(await top(server))).not.toContain("hunter2")

    const role = `reader_${new URL(server.url()).pathname.slice(1)}`
    await server.admin(`create role ${role} login password 'reader'`)
    const address = new URL(server.url())
    address.username = role
    address.password = "reader"
    const client = await connect(address.href)
    try {
      await expect(client.query("select * from ems_internal.statement_text")).rejects.toThrow(/permission denied/)
      await server.admin(`grant pg_read_all_stats to ${role}`)
      await client.query("select * from ems_internal.statement_text")
    } finally {
      await client.end()
      await server.admin(`drop role ${role}`)
    }
  })

  ownServer("survive restarts and crashes, and count nothing twice", { synchronous_commit: "on" }, async (server) => {
    await install(server)
    await look(server)
    await ask(server, 5)
    await look(server)
    expect(await calls(server, query)).toBe(5)
    // Clean: the extension writes its counters down, and has them again.
    await server.restart("clean")
    expect(await look(server)).toMatchObject({ how: "delta" })
    expect(await calls(server, query)).toBe(5)
    await ask(server, 2)
    await look(server)
    expect(await calls(server, query)).toBe(7)
    // What was not looked at is lost with a crash, what was is not.
    await server.restart("crash")
    await ask(server, 3)
    expect(await look(server)).toMatchObject({ how: "reset" })
    expect(await calls(server, query)).toBe(10)
    expect(await look(server)).toMatchObject({ how: "delta" })
    expect(await calls(server, query)).toBe(10)
    // Counters that are older than the last look, and others: another server's, after a failover.
    await server.admin("update ems_internal.statement_sample set counted_since = counted_since - interval '1 day'")
    await ask(server, 3)
    expect(await look(server)).toMatchObject({ how: "baseline", evictions: null })
    expect(await calls(server, query)).toBe(10)
  })

  ownServer("say when entries had to make room", { "pg_stat_statements.max": "100" }, async (server) => {
    await install(server)
    await look(server)
    await server.admin(...sums(300))
    const sampled = await look(server)
    expect(sampled._tag === "Sampled" ? sampled.evictions : 0).toBeGreaterThan(0)
    expect((await top(server)).length).toBeLessThanOrEqual(101)
    // Those that came back after they had been evicted are counted from there.
    for (let round = 0; round < 3; round++) {
      await ask(server, 4)
      await look(server)
      await server.admin(...sums(300))
      await look(server)
    }
    expect(await calls(server, query)).toBe(12)
  })
})

/** Past the code that is looked at. */
const rowsOf = async ({ url }: Pick<Stage, "url">, table: string, columns = "count(*)::int") => {
  const client = await connect(url)
  try {
    return (await client.query<Record<string, unknown>>(`select ${columns} from ems_internal.statement_${table}`)).rows
  } finally {
    await client.end()
  }
}
