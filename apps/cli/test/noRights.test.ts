/** A role that may connect and nothing else: what it cannot do is said in one line, what it can is done. */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { canary, emsdb } from "./Emsdb.ts"

describe("without rights", () => {
  let database: TestDatabase
  let role = ""
  let url = ""
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
    expect((await emsdb(["init"], database.url)).code).toBe(0)
    await database.admin("drop index idx_events_venue")
    role = `plain_${database.name}`
    await database.admin(`create role ${role} login password '${canary}'`)
    const address = new URL(database.url)
    address.username = role
    address.password = canary
    url = address.href
  }, 60_000)
  afterAll(async () => {
    await database.admin(`drop role ${role}`)
    await database.close()
  })

  test.each([
    ["init", 5],
    ["migrate", 5],
    ["migrate status", 5],
    ["seed", 5],
    ["indexes create --indexes idx_events_venue", 1],
    ["indexes verify", 1],
    ["explain select+*+from+events", 5],
    ["admin list", 5],
    ["cache doctor", 0],
    ["status", 0],
    ["tables", 0],
    ["space", 0],
    ["locks", 0],
    ["top --count 1", 0],
    ["check --fail-on error", 1],
    ["slow", 0],
    ["doctor", 1]
  ])("%s: exit code %i", { timeout: 60_000 }, async (command, code) => {
    const ended = await emsdb(command.split(" ").map((word) => word.replaceAll("+", " ")), url)
    expect({ code: ended.code, stderr: ended.stderr }).toMatchObject({ code })
    if (code > 1) expect(ended.stderr).toMatch(/^emsdb: [^\n]*(42501|permission|privilege)[^\n]*\n$/i)
  })

  test("kill of somebody else's session", { timeout: 60_000 }, async () => {
    const client = await connect(database.url)
    const { rows: [row] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
    const { code, stderr, stdout } = await emsdb(["kill", String(row?.pid), "--reason", "a test", "--yes"], url)
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" })
    expect(stderr).toMatch(/^emsdb: [^\n]+\n$/)
    await client.query("select 1")
    await client.end()
  })
})
