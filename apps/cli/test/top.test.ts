import { createTestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { startPostgres } from "@ems/db-testing/EmbeddedPostgres"
import { Problem } from "@ems/schema/contract/Problem"
import { Top } from "@ems/schema/contract/Top"
import * as Schema from "effect/Schema"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { decoded, emsdb, type Ended, oneJson, program, start } from "./Emsdb.ts"
import { ownServer } from "./OwnServer.ts"
import { hasTerminal, terminal } from "./Terminal.ts"

/** What others do on a server is shown too. */
let database: Awaited<ReturnType<typeof ownServer>>
beforeAll(async () => {
  database = await ownServer()
  await database.admin("create table t (id int, secret text)")
}, 60_000)
afterAll(() => database.close())

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const samples = ({ stderr, stdout }: Ended): ReadonlyArray<Top> => {
  expect(stderr).toBe("")
  return stdout.trimEnd().split("\n").map((line) =>
    Schema.decodeUnknownSync(Top)(JSON.parse(line), { onExcessProperty: "error" })
  )
}

/** A session that holds `t`, and one that waits for it with a secret in its statement. */
const blocked = async (url = database.url) => {
  const [holder, waiter] = await Promise.all([connect(url), connect(url)])
  const pidOf = async (client: typeof holder) =>
    (await client.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid ?? 0
  const pids = { holder: await pidOf(holder), waiter: await pidOf(waiter) }
  await holder.query("set application_name = 'holder\u001B[31m'")
  await holder.query("begin")
  await holder.query("lock table t")
  for (const client of [holder, waiter]) client.on("error", () => {})
  const waits = waiter.query("insert into t values (1, 'cAnArY-9f27')").catch(() => {})
  return {
    ...pids,
    end: async () => {
      await holder.end().catch(() => {})
      await waits
      await waiter.end().catch(() => {})
    }
  }
}

test("--json: a line for each look, rates of the time between two", { timeout: 60_000 }, async () => {
  const { holder, waiter, end } = await blocked()
  const { child, ended } = start(["top", "--json", "--count", "3", "--interval", "1"], database.url)
  let lines = 0
  child.stdout?.on("data", async () => {
    if (++lines !== 1) return
    await database.admin("create table u as select n from generate_series(1, 5000) n")
    await database.admin("select pg_stat_force_next_flush()")
  })
  const result = await ended
  await end()
  expect(result.code).toBe(0)
  const [first, second, third, ...more] = samples(result)
  expect(more).toEqual([])
  expect(first?.rates).toMatchObject({ overMs: null, transactions: null, walBytes: null })
  for (const top of [second, third]) {
    expect(top?.rates.overMs).toBeGreaterThan(900)
    expect(top?.rates.overMs).toBeLessThan(5000)
  }
  const written = [second, third].map((top) => (top?.rates.rowsWritten ?? 0) * (top?.rates.overMs ?? 0) / 1000)
  expect(Math.round(Math.max(...written))).toBeGreaterThanOrEqual(5000)
  expect(Math.max(second?.rates.walBytes ?? 0, third?.rates.walBytes ?? 0)).toBeGreaterThan(10_000)
  expect(third?.blocking.roots.find(({ pid }) => pid === holder)).toMatchObject({ victims: 1, waiters: [waiter] })
  expect(third?.sessions.items.find(({ pid }) => pid === waiter)).toMatchObject({
    blockedBy: [holder],
    waitEventType: "Lock",
    query: "insert into t values (?, ?)"
  })
  expect(third).toMatchObject({ pool: null, unavailableParts: [], notes: [], connections: { limit: 197, reserved: 3 } })
})

test("it is one session, not in its own list, and asks once a look", { timeout: 60_000 }, async () => {
  const own = await createTestDatabase({ template: false })
  await own.admin("create extension pg_stat_statements")
  const { child, ended } = start(["top", "--json", "--count", "4", "--interval", "1"], own.url)
  await new Promise((resolve) => child.stdout?.once("data", resolve))
  const sessions = await own.admin(
    "select pid, application_name, query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
  )
  expect(sessions).toMatchObject([{ application_name: "emsdb" }])
  const seen = samples(await ended)
  expect(seen.flatMap(({ sessions }) => sessions.items).filter(({ pid }) => pid === sessions[0]?.["pid"])).toEqual([])
  const calls = await own.admin(
    "select calls::int, query from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())"
      + " and query ~ 'pg_stat_database|pg_roles|pg_database_size' order by calls desc"
  )
  // Four looks; what the server is, once for the looks and once for the size; the size.
  expect(calls.map(({ calls }) => calls)).toEqual([4, 2, 1])
  await own.close()
})

test("without a terminal: one picture after the other, as wide as a page", { timeout: 60_000 }, async () => {
  const { end, holder, waiter } = await blocked()
  await pause(300)
  const { code, stderr, stdout } = await emsdb(["top", "--count", "2", "--interval", "1"], database.url)
  await end()
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(stdout.match(/^emsdb top /gm)).toHaveLength(2)
  expect(stdout).toMatch(new RegExp(`^blocking +pid ${holder} \\(postgres, holder`, "m"))
  expect(stdout).toMatch(new RegExp(`^ *${waiter} .* ${holder} +insert into t`, "m"))
  expect(stdout).not.toContain("\u001B")
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100)
})

test("a role without rights is told what it does not see", { timeout: 60_000 }, async () => {
  const role = `top_${database.name}`
  await database.admin(`create role ${role} login password 'plain'`)
  const url = new URL(database.url)
  url.username = role
  url.password = "plain"
  const { end, holder, waiter } = await blocked()
  await pause(300)
  const top = decoded(Top, await emsdb(["top", "--json", "--count", "1"], url.href))
  await end()
  await database.admin(`drop role ${role}`)
  expect(top.notes).toEqual([expect.stringContaining("pg_read_all_stats")])
  expect(top.blocking.roots.find(({ pid }) => pid === holder)).toMatchObject({ state: null, victims: 1 })
  expect(top.sessions.items.find(({ pid }) => pid === waiter)).toMatchObject({ query: null, blockedBy: [holder] })
})

test("on an embedded database: rates, and why there is nobody else", { timeout: 60_000 }, async () => {
  const ended = await emsdb(["top", "--json", "--count", "2", "--interval", "1"], "pglite:memory", {
    // It takes seconds to begin, and many on a busy machine.
    EMS_CONNECT_TIMEOUT_MS: "50000",
    EMS_POOL_ACQUIRE_TIMEOUT_MS: "50000"
  })
  const [first, second] = samples(ended)
  expect(first?.unavailableParts.map(({ because, part }) => [part, because])).toEqual([
    ["connections", "backend"],
    ["waits", "backend"],
    ["blocking", "backend"],
    ["sessions", "backend"]
  ])
  expect(second?.rates.overMs).toBeGreaterThan(900)
  expect(second).toMatchObject({ connections: null, sessions: { items: [], total: 0 } })
})

test.each(["SIGINT", "SIGTERM"] as const)("%s is its end, and no failure", { timeout: 60_000 }, async (signal) => {
  const { child, ended } = start(["top", "--json", "--interval", "60"], database.url)
  await new Promise((resolve) => child.stdout?.once("data", resolve))
  child.kill(signal)
  const result = await ended
  expect(result).toMatchObject({ code: 0, stderr: "" })
  expect(samples(result)).toHaveLength(1)
})

test("a reader that has enough ends it quietly", { timeout: 60_000 }, async () => {
  const { child, ended } = start(["top", "--json", "--interval", "1"], database.url)
  await new Promise((resolve) => child.stdout?.once("data", resolve))
  child.stdout?.destroy()
  expect(await ended).toMatchObject({ code: 0, stderr: "" })
})

test.each(
  [
    ["no server", ["top"], "postgres://u:cAnArY-9f27@127.0.0.1:1/db", 3, "ConnectFailed"],
    ["an interval of 0", ["top", "--interval", "0"], undefined, 2, "from 1 to 60"],
    ["half an interval", ["top", "--interval", "0.5"], undefined, 2, "from 1 to 60"],
    ["a count of 0", ["top", "--count", "0"], undefined, 2, "from 1 to 1000000"]
  ] as const
)("%s: one line", { timeout: 60_000 }, async (_, args, url, code, says) => {
  const ended = await emsdb(args, url)
  expect(ended).toMatchObject({ code, stdout: "" })
  expect(ended.stderr).toMatch(/^emsdb: [^\n]+\n$/)
  expect(ended.stderr).toContain(says)
  const json = await emsdb([...args, "--json"], url)
  expect(Schema.decodeUnknownSync(Problem)(oneJson(json.stderr))["exitCode"]).toBe(code)
})

/** The last picture, line by line, without styles. */
const picture = (shown: string): ReadonlyArray<string> =>
  (shown.split("\u001B[H").at(-1) ?? "").split("\u001B[J")[0]?.split(/\r*\n/).map((line) =>
    // oxlint-disable-next-line no-control-regex
    line.replace(/\u001B\[[\d;?]*[A-Za-z]/g, "")
  ) ?? []

/** The terminal is as it was: behind the last picture there is nothing but the way back. */
const isRestored = (shown: string) => shown.endsWith("\u001B[?7h\u001B[?25h\u001B[?1049l")

describe.skipIf(!hasTerminal)("at a terminal", () => {
  test("a blocked session, keys and sizes; q leaves", { timeout: 60_000 }, async () => {
    const { end, holder, waiter } = await blocked()
    const mark = String(900_000 + process.pid % 100_000)
    const top = terminal(["top", "--interval", "1", "--count", mark], database.url, { columns: 100 })
    await top.until(`pid ${holder} (postgres, holder`)
    await top.until(`${holder} `)
    const lines = picture(top.shown())
    expect(lines.some((line) => new RegExp(`^ *${waiter} .* ${holder} +insert into t`).test(line)))
      .toBe(true)
    expect(lines.at(-1)).toMatch(/^keys +q quit/)
    expect(top.shown().startsWith("\u001B[?1049h\u001B[?25l")).toBe(true)
    top.type("s")
    await top.until("sort: query")
    top.type("+")
    await top.until("every 2 s")
    top.type(" ")
    await top.until("PAUSED")
    const tty = String(spawnSync("ps", ["-eo", "tty=,args="]).stdout).split("\n")
      .find((line) => line.startsWith("pts/") && line.includes(mark) && !line.includes("script"))?.split(/\s/)[0]
    spawnSync("stty", ["-F", `/dev/${tty}`, "cols", "50", "rows", "12"])
    await top.until("PAUSED")
    const small = picture(top.shown())
    expect(small).toHaveLength(12)
    for (const line of small) expect(line.length).toBeLessThanOrEqual(50)
    top.type("q")
    const { code, shown } = await top.end()
    expect(code).toBe(0)
    expect(isRestored(shown)).toBe(true)
    expect(shown).not.toContain("cAnArY")
    expect(shown).not.toContain("holder\u001B")
    await end()
  })

  test.each([["Ctrl-C", "\u0003"], ["Escape", "\u001B"], ["Ctrl-D", "\u0004"]])("%s leaves", {
    timeout: 60_000
  }, async (_, key) => {
    const top = terminal(["top"], database.url, { columns: 100 })
    await top.until("keys")
    top.type(key)
    const { code, shown } = await top.end()
    expect({ code, isRestored: isRestored(shown) }).toEqual({ code: 0, isRestored: true })
  })

  test("SIGTERM leaves", { timeout: 60_000 }, async () => {
    const mark = String(800_000 + process.pid % 100_000)
    const top = terminal(["top", "--count", mark], database.url, { columns: 100 })
    await top.until("keys")
    const own = String(spawnSync("ps", ["-eo", "pid=,args="]).stdout).split("\n")
      .map((line) => /^ *(\d+) (.*)$/.exec(line))
      .filter((found) => found?.[2]?.startsWith(program[0] ?? "") === true && found[2].includes(mark))
    expect(own.length).toBeGreaterThan(0)
    process.kill(Number(own[0]?.[1]), "SIGTERM")
    const { code, shown } = await top.end()
    expect({ code, isRestored: isRestored(shown) }).toEqual({ code: 0, isRestored: true })
  })

  test("so many looks, no colours", { timeout: 60_000 }, async () => {
    const { code, shown } = await terminal(["top", "--count", "2", "--interval", "1"], database.url, {
      columns: 100,
      more: { NO_COLOR: "1", LANG: "C" }
    }).end()
    expect({ code, isRestored: isRestored(shown) }).toEqual({ code: 0, isRestored: true })
    // oxlint-disable-next-line no-control-regex
    expect(shown).not.toMatch(/\u001B\[[\d;]*m/)
    expect(shown.split("\u001B[H")).toHaveLength(3)
  })

  test("the server is killed: it says so, goes on trying, and sees it come back", { timeout: 90_000 }, async () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-top-"))
    // The server may run as another user and has to reach its own folder in this one.
    fs.chmodSync(home, 0o711)
    const options = { dataDir: path.join(home, "pg"), durable: false }
    let server = await startPostgres(options)
    try {
      const top = terminal(["top", "--interval", "1"], server.url, { columns: 100 })
      await top.until("every 1 s")
      process.kill(server.pid, "SIGKILL")
      await server.exited
      await top.until("no answer")
      await top.until("trying again")
      server = await startPostgres({ ...options, port: server.port })
      await top.until("- transactions/s")
      for (let tries = 0; picture(top.shown()).some((line) => line.startsWith("no answer")); tries++) {
        expect(tries).toBeLessThan(100)
        await pause(100)
      }
      process.kill(server.pid, "SIGKILL")
      await server.exited
      await top.until("no answer")
      top.type("q")
      const { code, shown } = await top.end()
      expect({ code, isRestored: isRestored(shown) }).toEqual({ code: 0, isRestored: true })
      expect(shown).not.toMatch(/\bat .*:\d+:\d+/)
    } finally {
      await server.stop()
      fs.rmSync(home, { recursive: true, force: true })
    }
  })
})
