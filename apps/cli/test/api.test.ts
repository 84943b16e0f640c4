import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { Blocking } from "@ems/schema/contract/Blocking"
import { Cache } from "@ems/schema/contract/Cache"
import { Checks } from "@ems/schema/contract/Checks"
import { ExplainedStatement } from "@ems/schema/contract/Explain"
import { Health, HealthStatusOnly } from "@ems/schema/contract/Health"
import { Indexes } from "@ems/schema/contract/Indexes"
import { IndexVerification } from "@ems/schema/contract/IndexVerification"
import { Queries } from "@ems/schema/contract/Queries"
import { SessionSignalled } from "@ems/schema/contract/SessionSignal"
import { Slow } from "@ems/schema/contract/Slow"
import { Space } from "@ems/schema/contract/Space"
import { Status } from "@ems/schema/contract/Status"
import { Tables } from "@ems/schema/contract/Tables"
import { Top } from "@ems/schema/contract/Top"
import * as Schema from "effect/Schema"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type ApiProcess, operatorToken, startApi } from "./ApiProcess.ts"
import { canary, decoded, emsdb } from "./Emsdb.ts"

describe("through an API", () => {
  let database: TestDatabase
  let api: ApiProcess
  let token = ""
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    await database.admin("create extension pg_stat_statements")
    expect((await emsdb(["init"], database.url)).code).toBe(0)
    token = await operatorToken(database.url)
    // Two looks at the counters, a second apart: before them there is nothing to tell.
    await emsdb(["queries"], database.url)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await emsdb(["queries"], database.url)
    api = await startApi(database.url)
  }, 60_000)
  afterAll(async () => {
    await api.end()
    await database.close()
  })

  /** Without a database's URL, so that nothing can come from there. */
  const ask = (args: ReadonlyArray<string>, with_ = token) =>
    emsdb([...args, "--api", api.url], undefined, with_ === "" ? {} : { EMS_API_TOKEN: with_ })

  const lists: ReadonlyArray<readonly [args: string, contract: Schema.Codec<unknown, unknown>]> = [
    ["status", Status],
    ["tables --limit 3", Tables],
    ["space --sort heap --reverse", Space],
    ["indexes list --finding unused", Indexes],
    ["indexes verify", IndexVerification],
    ["queries --window 24h --sort calls", Queries],
    ["locks", Blocking],
    ["check --fail-on never", Checks],
    ["slow", Slow],
    ["top --count 1", Top],
    ["health", Health],
    ["cache status", Cache]
  ]
  test.each(lists)(
    "%s answers by the same contract, and people in the same words",
    { timeout: 30_000 },
    async (args, contract) => {
      const json = await ask([...args.split(" "), "--json"])
      expect(json).toMatchObject({ code: 0 })
      decoded(contract, json)
      const people = await ask(args.split(" "))
      expect(people).toMatchObject({ code: 0, stderr: "" })
      expect(Math.max(...people.stdout.split("\n").map(({ length }) => length))).toBeLessThan(200)
    }
  )

  test("tables are those that the database tells of itself", { timeout: 30_000 }, async () => {
    const [there, here] = [await ask(["tables", "--json"]), await emsdb(["tables", "--json"], database.url)]
    const namesOf = (ended: typeof here) =>
      decoded(Tables, ended).items.map(({ schema, table }) => `${schema}.${table}`)
    expect(namesOf(there).length).toBeGreaterThan(3)
    expect(namesOf(there).toSorted()).toEqual(namesOf(here).toSorted())
  })

  test("top has rates between two answers, and the pool of the API", { timeout: 30_000 }, async () => {
    const { code, stdout } = await ask("top --count 2 --interval 1 --json".split(" "))
    const lines = stdout.trim().split("\n").map((line) => Schema.decodeUnknownSync(Top)(JSON.parse(line)))
    expect(code).toBe(0)
    expect(lines.map(({ rates }) => rates.overMs === null)).toEqual([true, false])
    expect(lines[1]?.rates.transactions).toBeGreaterThan(0)
    expect(lines[1]?.pool).toMatchObject({ max: 10 })
  })

  test("slow tells what the API's process waited for", { timeout: 30_000 }, async () => {
    const client = await connect(database.url)
    const asleep = client.query("select pg_sleep(30)").catch(() => undefined)
    const found = decoded(Slow, await ask(["slow", "--threshold", "100", "--json"]))
    expect(found.running.items).toMatchObject([{
      query: "select pg_sleep(?)",
      next: expect.stringMatching(/^emsdb cancel/)
    }])
    expect(found.process).toMatchObject({ slowQueryMs: 1000 })
    await client.end()
    await asleep
  })

  test("explain plans there", { timeout: 30_000 }, async () => {
    const ended = await ask(["explain", "select * from events where id = $1", "--json"])
    expect(decoded(ExplainedStatement, ended)).toMatchObject({ isGeneric: true, executionMs: null })
    expect(await ask(["explain", "selec 1"])).toMatchObject({ code: 2, stdout: "" })
  })

  test("kill ends the session that was seen, and needs a reason", { timeout: 30_000 }, async () => {
    const client = await connect(database.url)
    const lost = new Promise((resolve) => client.on("error", resolve))
    const { rows: [row] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
    const pid = String(row?.pid)
    expect(await ask(["kill", pid, "--yes"])).toMatchObject({ code: 2, stdout: "" })
    expect(await ask(["cancel", pid])).toMatchObject({ code: 2, stdout: "" })
    const ended = await ask(["kill", pid, "--reason", "a test", "--yes", "--json"])
    expect(decoded(SessionSignalled, ended)).toMatchObject({ pid: Number(pid), action: "terminate", isOver: true })
    await lost
    expect(await ask(["kill", pid, "--reason", "a test", "--yes"])).toMatchObject({ code: 2, stdout: "" })
    const log = await emsdb(["admin", "audit"], database.url)
    expect(log.stdout).toContain("session.terminate")
  })

  test("without a token it says the status alone, and what is missing", { timeout: 30_000 }, async () => {
    expect(decoded(HealthStatusOnly, await ask(["health", "--json"], "")).status).toBe("healthy")
    const { code, stderr, stdout } = await ask(["tables"], "")
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
    expect(stderr).toMatch(/^emsdb: the API says: [^\n]*EMS_API_TOKEN[^\n]*\n$/)
    const wrong = await ask(["tables"], `ems_${canary}`)
    expect(wrong).toMatchObject({ code: 3, stdout: "" })
    expect(wrong.stderr).toMatch(/^emsdb: [^\n]+\n$/)
  })
})

const trouble: ReadonlyArray<readonly [what: string, args: string, code: number, says: RegExp]> = [
  ["nobody listens", "tables --api http://127.0.0.1:1", 3, /the API cannot be reached/],
  ["no such host", "tables --api https://no-such-host.invalid", 3, /the API cannot be reached/],
  ["no URL", "tables --api here", 2, /Expected the address of an API/],
  ["a database's URL", `tables --api postgres://u:${canary}@h/d`, 2, /Expected the address of an API/],
  ["a password in it", `tables --api http://u:${canary}@127.0.0.1:1`, 2, /Expected the address of an API/],
  ["a command that needs the database", "init --api http://127.0.0.1:1", 2, /unknown flag --api/]
]
test.each(trouble)("%s: one line", { timeout: 30_000 }, async (_, args, code, says) => {
  const ended = await emsdb(args.split(" "), undefined, { EMS_API_TOKEN: canary })
  expect(ended).toMatchObject({ code, stdout: "" })
  expect(ended.stderr).toMatch(/^emsdb: [^\n]+\n$/)
  expect(ended.stderr).toMatch(says)
})

describe("something else answers", () => {
  let server: http.Server
  const bodies: Readonly<Record<string, readonly [status: number, body: string]>> = {
    "/page/api/db/tables": [200, "<html></html>"],
    "/json/api/db/tables": [200, "{}"],
    "/none/api/db/tables": [404, "not here"],
    "/moved/api/db/tables": [302, ""]
  }
  beforeAll(async () => {
    server = http.createServer((request, response) => {
      const [status, body] = bodies[URL.parse(`http://h${request.url}`)?.pathname ?? ""] ?? [500, ""]
      response.writeHead(status, { location: "http://127.0.0.1:1/" }).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  })
  afterAll(() => void server.close())

  test.each(["page", "json", "none", "moved"])("%s is not taken for an answer", { timeout: 30_000 }, async (path) => {
    const { port } = server.address() as AddressInfo
    const ended = await emsdb(["tables", "--api", `http://127.0.0.1:${port}/${path}`], undefined)
    expect(ended).toMatchObject({ code: 3, stdout: "" })
    expect(ended.stderr).toMatch(/^emsdb: what answers there is not the API[^\n]+\n$/)
  })
})
