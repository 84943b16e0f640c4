import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { connect, withClient } from "@ems/db-testing/Admin"
import { AuditLog } from "@ems/schema/contract/Access"
import { Blocking } from "@ems/schema/contract/Blocking"
import { ExplainedStatement } from "@ems/schema/contract/Explain"
import { Indexes } from "@ems/schema/contract/Indexes"
import { IndexVerification } from "@ems/schema/contract/IndexVerification"
import { Queries } from "@ems/schema/contract/Queries"
import { SessionSignalled } from "@ems/schema/contract/SessionSignal"
import { Space } from "@ems/schema/contract/Space"
import { Status } from "@ems/schema/contract/Status"
import { Tables } from "@ems/schema/contract/Tables"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { decoded, emsdb, oneJson } from "./Emsdb.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  expect((await emsdb(["init", "--seed"], database.url)).code).toBe(0)
}, 60_000)
afterAll(() => database.close())

const run = (...args: ReadonlyArray<string>) => emsdb(args, database.url)

/** The process of a session of ours, and what it does until it ends. */
const session = async () => {
  const client = await connect(database.url)
  const lost = new Promise<void>((resolve) => client.on("error", () => resolve()))
  const { rows: [row] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
  return { client, lost, pid: row?.pid ?? 0 }
}

test("status is one screen", { timeout: 120_000 }, async () => {
  const now = decoded(Status, await run("status", "--json"))
  expect(now.server.version).toBeGreaterThanOrEqual(180_000)
  expect(now.databaseBytes).toBeGreaterThan(1_000_000)
  expect(now.connections?.used).toBeGreaterThan(0)
  expect(now.oldestTransactionId?.share).toBeLessThan(0.5)
  expect(now).toMatchObject({ jobs: [], unavailableParts: [] })
  const { client, pid } = await session()
  await client.query("begin")
  const { code, stderr, stdout } = await run("status")
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(stdout).toMatch(/^database: \S+, Postgres 18\.\d+, up since 20/)
  expect(stdout).toContain(`, pid ${pid} (`)
  expect(stdout.split("\n")).toHaveLength(9)
  await client.end()
})

test("tables and space: the largest first, sorted and bounded", { timeout: 120_000 }, async () => {
  const tables = decoded(Tables, await run("tables", "--json", "--limit", "3"))
  expect(tables.items).toHaveLength(3)
  expect(tables.total).toBeGreaterThan(6)
  const sizes = tables.items.map(({ totalBytes }) => totalBytes)
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
  const rows = decoded(Tables, await run("tables", "--sort", "rows", "--json"))
  expect(rows.items[0]).toMatchObject({ table: "payment_history" })
  const least = decoded(Tables, await run("tables", "--sort", "total", "--reverse", "--limit", "1", "--json"))
  expect(least.items[0]?.totalBytes).toBeLessThan(sizes[0] ?? 0)
  const shown = await run("tables", "--limit", "3")
  expect(shown.stdout).toMatch(/^ table +\| +size \| +rows \|[^\n]*\n-+\+[^\n]*\n public\./)
  expect(shown.stdout).toMatch(/\n3 of \d+; --limit shows more\n/)
  // eslint-disable-next-line no-control-regex
  expect(shown.stdout).not.toMatch(/\u001B/)

  const space = decoded(Space, await run("space", "--json"))
  expect(space.database?.bytes).toBeGreaterThan(1_000_000)
  expect(space.items.find(({ table }) => table === "events")?.bloat).not.toBeNull()
  expect((await run("space", "--sort", "indexes")).stdout).toMatch(/\ndatabase \S+: \d+\.\d MiB/)
})

test("indexes: what there is, what nobody reads, and what is not as defined", { timeout: 120_000 }, async () => {
  const { admin } = database
  const all = decoded(Indexes, await run("indexes", "list", "--json", "--limit", "200"))
  expect(all.items.map(({ name }) => name)).toContain("users_pkey")
  await admin("create index twin on events (capacity, id)")
  await admin("create index twin_too on events (capacity, id)")
  const redundant = decoded(Indexes, await run("indexes", "list", "--finding", "redundant", "--json"))
  expect(redundant.items.map(({ name }) => name)).toContain("twin_too")
  expect((await run("indexes", "list", "--finding", "redundant")).stdout).toMatch(/twin_too .*duplicate of twin/)
  expect(await run("indexes", "list", "--finding", "invalid")).toMatchObject({ code: 0 })

  const before = decoded(IndexVerification, await run("indexes", "verify", "--json"))
  expect(before.summary).toMatchObject({ present: 17, missing: 0, invalid: 0, drifted: 0, extra: 2 })
  await admin("drop index twin, twin_too, idx_events_date")
  const after = await run("indexes", "verify")
  expect(after).toMatchObject({ code: 1, stderr: "" })
  expect(after.stdout).toContain("index public.idx_events_date: MISSING\n")
  expect(after.stdout).toContain("16 indexes as defined, 1 not; emsdb indexes create mends it\n")
})

test("queries: what the server counted between two looks", { timeout: 120_000 }, async () => {
  const without = await run("queries")
  expect(without).toMatchObject({ code: 1, stderr: "" })
  expect(without.stdout).toMatch(/^not available: [^\n]*create extension pg_stat_statements\n/)
  await database.admin("create extension pg_stat_statements")
  const first = await run("queries", "--json")
  expect(first).toMatchObject({ code: 1, stderr: "" })
  expect(Schema.decodeUnknownSync(Queries)(oneJson(first.stdout), { onExcessProperty: "error" }).unavailable?.because)
    .toBe("statistics")
  await withClient(database.url, async (client) => {
    for (let i = 0; i < 7; i++) await client.query("select count(*) from events where venue = 'cAnArY-9f27'")
  })
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const page = decoded(Queries, await run("queries", "--json", "--sort", "calls", "--limit", "200"))
  expect(page.items.find(({ text }) => text?.includes("from events where venue") === true)).toMatchObject({ calls: 7 })
  const shown = await run("queries", "--limit", "5", "--window", "24h")
  expect(shown.code).toBe(0)
  for (const line of shown.stdout.split("\n").slice(0, 7)) expect(line.length).toBeLessThanOrEqual(100)
  expect(shown.stdout).toMatch(/^ +total \| +share \| +calls \| +mean \| +rows \| user +\| query\n/)
})

test("explain: a plan, what running it took, and whose fault it is", { timeout: 120_000 }, async () => {
  const query = "select public_id from registrations where id = $1"
  expect(decoded(ExplainedStatement, await run("explain", query, "--json"))).toMatchObject({ isGeneric: true })
  const shown = await run("explain", query)
  expect(shown.stdout).toMatch(
    /^Index Scan using registrations_pkey on registrations \(cost=\d+\.\d\d\.\.\d+\.\d\d rows=1\)\n/
  )
  expect(shown.stdout).toContain("Index Cond: (id = $1)\n")

  const asked = await run("explain", query, "--parameter", "7", "--analyze")
  expect(asked).toMatchObject({ code: 2, stdout: "" })
  expect(asked.stderr).toMatch(/--yes says so\n$/)
  const ran = await run("explain", query, "--parameter", "7", "--analyze", "--yes")
  expect(ran).toMatchObject({ code: 0, stderr: "" })
  expect(ran.stdout).toMatch(/actual time=\S+ ms rows=1 loops=1\)\n/)
  const { items } = decoded(AuditLog, await run("admin", "audit", "--json"))
  expect(items[0]).toMatchObject({ action: "explain.analyze", outcome: "succeeded" })
  expect(items[0]?.target).toMatch(/^statement sha256:[0-9a-f]{32}$/)

  for (
    const [args, code, says] of [
      [["selec 'cAnArY-9f27'"], 2, "[42601], at character 1"],
      [["select 1; select 2"], 2, "[42601]"],
      [["drop table events"], 2, "[42601]"],
      [[query, "--parameter", "x"], 2, "[22P02]"],
      [[query, "--parameter", "1", "--parameter", "2"], 2, "has 1 parameters, 2 were given"],
      [["delete from events", "--analyze", "--yes"], 2, "only what reads is run"],
      [["select 1 / (id - id) from events", "--analyze", "--yes"], 2, "[22012]"],
      [[" "], 2, "characters of SQL"]
    ] as const
  ) {
    const ended = await run("explain", ...args)
    expect(ended).toMatchObject({ code, stdout: "" })
    expect(ended.stderr).toMatch(/^emsdb: [^\n]+\n$/)
    expect(ended.stderr).toContain(says)
  }
})

test("locks, cancel and kill: who is in the way, and no longer", { timeout: 120_000 }, async () => {
  expect(await run("locks")).toMatchObject({ code: 0, stdout: "nobody waits for a lock\n" })
  const holder = await session()
  const waiter = await session()
  await holder.client.query("begin")
  await holder.client.query("lock table events")
  const waits = waiter.client.query("select count(*) from events where venue = 'cAnArY-9f27'").catch((error: Error) =>
    error
  )
  let page = decoded(Blocking, await run("locks", "--json"))
  while (page.items.length === 0) page = decoded(Blocking, await run("locks", "--json"))
  expect(page.items).toMatchObject([{
    pid: holder.pid,
    victims: 1,
    waiters: [{ pid: waiter.pid, behind: holder.pid }]
  }])
  const shown = await run("locks")
  expect(shown.stdout).toMatch(
    new RegExp(`^pid ${holder.pid} \\([^\\n]*idle in transaction\\) holds up 1 session, one for `)
  )
  expect(shown.stdout).toMatch(
    new RegExp(
      `\\n  pid ${waiter.pid} [^\\n]*behind pid ${holder.pid}, wants AccessShareLock on relation public\\.events\\n`
    )
  )

  const cancelled = decoded(SessionSignalled, await run("cancel", String(waiter.pid), "--json"))
  expect(cancelled).toMatchObject({ pid: waiter.pid, action: "cancel", isOver: true })
  expect(await waits).toMatchObject({ code: "57014" })
  const idle = await run("cancel", String(waiter.pid))
  expect(idle).toMatchObject({ code: 5, stdout: "" })
  expect(idle.stderr).toMatch(/no statement runs in it/)

  const silent = await run("kill", String(holder.pid), "--yes")
  expect(silent).toMatchObject({
    code: 2,
    stdout: "",
    stderr: "emsdb: --reason is missing, and there is nobody to ask\n"
  })
  const unsure = await run("kill", String(holder.pid), "--reason", "holds up a test")
  expect(unsure).toMatchObject({ code: 2, stdout: "" })
  expect(unsure.stderr).toMatch(/^emsdb: End pid \d+ [^\n]*--yes says so\n$/)
  const ended = await run("kill", String(holder.pid), "--reason", "holds up a test", "--yes")
  expect(ended).toMatchObject({ code: 0, stderr: "" })
  expect(ended.stdout).toMatch(new RegExp(`^pid ${holder.pid} \\([^\\n]*\\): the session is gone, after `))
  await holder.lost
  expect(await run("kill", String(holder.pid), "--reason", "again", "--yes"))
    .toMatchObject({ code: 2, stderr: `emsdb: pid ${holder.pid}: there is no such session\n` })
  await waiter.client.end()

  const { items } = decoded(AuditLog, await run("admin", "audit", "--limit", "3", "--json"))
  expect(items).toMatchObject([
    { action: "session.terminate", target: `pid ${holder.pid}`, reason: "holds up a test", outcome: "succeeded" },
    { action: "session.cancel", target: `pid ${waiter.pid}`, outcome: "failed", detail: "NotActive" },
    { action: "session.cancel", target: `pid ${waiter.pid}`, reason: null, outcome: "succeeded" }
  ])
})

test.each([
  ["a limit out of bounds", ["tables", "--limit", "201"], "from 1 to 200"],
  ["a column that is none", ["space", "--sort", "size"], "total"],
  ["a window that is none", ["queries", "--window", "1m"], "1h"],
  ["no process id", ["cancel", "0x10"], "from 1 to 2147483647"],
  ["no process id at all", ["kill"], "pid"],
  ["an empty reason", ["kill", "1", "--reason", " "], "1 to 200 characters"]
])("%s: one line", async (_, args, says) => {
  const ended = await run(...args)
  expect(ended).toMatchObject({ code: 2, stdout: "" })
  expect(ended.stderr).toMatch(/^emsdb: [^\n]+\n$/)
  expect(ended.stderr).toContain(says)
})

test("on an embedded database: what is known, and why the rest is not", { timeout: 120_000 }, async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-"))
  const url = `pglite:${path.join(directory, "data")}`
  try {
    expect(await emsdb(["init"], url)).toMatchObject({ code: 0 })
    const now = decoded(Status, await emsdb(["status", "--json"], url))
    expect(now.unavailableParts.map(({ because, part }) => [part, because]))
      .toEqual([["connections", "backend"], ["longestTransaction", "backend"]])
    expect(decoded(Tables, await emsdb(["tables", "--json"], url)).items.length).toBeGreaterThan(5)
    expect(decoded(IndexVerification, await emsdb(["indexes", "verify", "--json"], url)).summary.present).toBe(17)
    expect((await emsdb(["explain", "select 1"], url)).stdout).toMatch(/^Result /)
    for (const command of ["locks", "queries"]) {
      const ended = await emsdb([command], url)
      expect(ended).toMatchObject({ code: 1, stderr: "" })
      expect(ended.stdout).toMatch(/^not available: an embedded database /)
    }
    const ended = await emsdb(["kill", "42", "--reason", "x", "--yes"], url)
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toMatch(/^emsdb: [^\n]*no such session[^\n]*\n$/)
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
})
