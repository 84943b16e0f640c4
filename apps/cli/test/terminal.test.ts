import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { Account } from "@ems/schema/contract/Accounts"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { emsdb, oneJson } from "./Emsdb.ts"
import { hasTerminal, terminal } from "./Terminal.ts"

const password = "correct horse cAnArY-9f27"

describe.skipIf(!hasTerminal)("at a terminal", () => {
  let database: TestDatabase
  let directory = ""
  beforeAll(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-"))
    database = await createTestDatabase({ template: false })
    expect((await emsdb(["init"], database.url)).code).toBe(0)
  }, 60_000)
  afterAll(async () => {
    fs.rmSync(directory, { recursive: true, force: true })
    await database.close()
  })

  test("a password is typed twice and not shown, and stdout has the result alone", { timeout: 60_000 }, async () => {
    const file = path.join(directory, "account.json")
    const { end, type, until } = terminal(["admin", "create", "a@example.org", "--json"], database.url, {
      stdout: file
    })
    await until("Password")
    type(`${password}\r`)
    await until("The same again")
    type("something else\r")
    await until("not the same")
    type("\u0015")
    type("\u007F".repeat(20))
    type(`${password}\r`)
    const { code, shown } = await end()
    expect({ code, shown }).toMatchObject({ code: 0 })
    expect(shown).not.toContain("cAnArY")
    expect(shown).not.toContain("something")
    expect(Schema.decodeUnknownSync(Account)(oneJson(fs.readFileSync(file, "utf8"))).email).toBe("a@example.org")
  })

  test("Ctrl-C at a question changes nothing", { timeout: 60_000 }, async () => {
    const { end, type, until } = terminal(["admin", "create", "b@example.org"], database.url)
    await until("Password")
    type("\u0003")
    const { code, shown } = await end()
    expect(code).toBe(5)
    expect(shown).toContain("emsdb: not confirmed; nothing was changed")
    expect(await database.admin("select count(*)::int as n from admin_users where email like 'b@%'")).toEqual([{
      n: 0
    }])
  })

  test("kill asks why and whether; no is no, and yes ends the session", { timeout: 60_000 }, async () => {
    const client = await connect(database.url)
    const { rows: [row] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
    const pid = String(row?.pid)
    const no = terminal(["kill", pid], database.url)
    await no.until(`Why is pid ${pid}`)
    no.type("a test\r")
    await no.until(`End pid ${pid}`)
    no.type("\r")
    expect((await no.end()).code).toBe(5)
    await client.query("select 1")

    const lost = new Promise((resolve) => client.on("error", resolve))
    const yes = terminal(["kill", pid, "--reason", "a test"], database.url)
    await yes.until(`End pid ${pid}`)
    yes.type("y")
    const { code, shown } = await yes.end()
    expect(code).toBe(0)
    expect(shown).toContain("the session is gone")
    await lost
  })

  test("a table has lines and a bold head, unless colours are not wanted", { timeout: 60_000 }, async () => {
    const { code, shown } = await terminal(["tables", "--limit", "2"], database.url).end()
    expect(code).toBe(0)
    expect(shown).toContain("\u001B[1m table")
    expect(shown).toContain("─┼─")
    const more = { NO_COLOR: "1", LANG: "C" }
    const plain = await terminal(["tables", "--limit", "2"], database.url, { more }).end()
    expect(plain.shown).toMatch(/^ table +\| /)
    expect(plain.shown).not.toContain("\u001B")
  })
})
