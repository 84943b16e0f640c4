import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { AuditLog, IssuedMachineToken, MachineTokens } from "@ems/schema/contract/Access"
import { AccessChange, Account, Accounts } from "@ems/schema/contract/Accounts"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { decoded, emsdb, type Ended } from "./Emsdb.ts"

const password = "correct horse battery cAnArY-9f27\n"

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ template: false })
  expect((await emsdb(["init"], database.url)).code).toBe(0)
}, 60_000)
afterAll(() => database.close())

const admin = (args: ReadonlyArray<string>, input?: string): Promise<Ended> =>
  emsdb(["admin", ...args], database.url, {}, input)

const audited = async () => decoded(AuditLog, await admin(["audit", "--json"])).items

test("an account is made, changed and removed, and all of it is written down", { timeout: 120_000 }, async () => {
  const ada = decoded(Account, await admin(["create", "Ada@Example.org", "--json"], password))
  expect(ada).toMatchObject({ email: "ada@example.org", role: "admin" })
  const [{ hash } = { hash: "" }] = await database.admin("select password_hash as hash from admin_users")
  expect(hash).toMatch(/^\$argon2id\$/)

  expect(await admin(["create", "bob@example.org", "--role", "viewer"], password))
    .toMatchObject({ code: 0, stderr: "", stdout: "bob@example.org: viewer, id 2\n" })
  expect(await admin(["create", "bob@example.org"], password))
    .toMatchObject({ code: 5, stdout: "", stderr: "emsdb: there is such an account already\n" })
  expect(decoded(Account, await admin(["role", "BOB@example.org", "operator", "--json"])).role).toBe("operator")
  expect(await admin(["password", "2"], "another horse battery\n")).toMatchObject({ code: 0, stderr: "" })
  const [{ changed } = { changed: "" }] = await database.admin(
    "select count(distinct password_hash)::int as changed from admin_users"
  )
  expect(changed).toBe(2)
  expect(decoded(Accounts, await admin(["list", "--json"])).items.map(({ email, role }) => [email, role]))
    .toEqual([["ada@example.org", "admin"], ["bob@example.org", "operator"]])
  expect((await admin(["list"])).stdout).toMatch(/^ id \| email +\| role +\| created\n-{4}\+-+\+-+\+-+\n {2}1 \| ada@/)

  const asked = await admin(["remove", "bob@example.org"])
  expect(asked).toMatchObject({ code: 2, stdout: "" })
  expect(asked.stderr).toMatch(/^emsdb: Remove bob@example\.org .*--yes says so\n$/)
  expect(decoded(AccessChange, await admin(["remove", "bob@example.org", "--yes", "--json"])))
    .toEqual({ action: "account.remove", target: "user:2 bob@example.org" })
  const last = await admin(["remove", "ada@example.org", "--yes"])
  expect(last.code).toBe(5)
  expect(last.stderr).toMatch(/^emsdb: the last admin/)

  const entries = await audited()
  expect(entries.map(({ action, detail, outcome, target }) => [action, target, detail ?? outcome])).toEqual([
    ["account.remove", "user:1 ada@example.org", "LastAdmin"],
    ["account.remove", "user:2 bob@example.org", "succeeded"],
    ["account.password", "user:2 bob@example.org", "succeeded"],
    ["account.role", "user:2 bob@example.org", "succeeded"],
    ["account.create", "bob@example.org", "AccountExists"],
    ["account.create", "bob@example.org", "succeeded"],
    ["account.create", "ada@example.org", "succeeded"]
  ])
  const passwd = fs.readFileSync("/etc/passwd", "utf8").split("\n").find((line) =>
    line.split(":")[2] === String(process.getuid?.())
  )
  expect(new Set(entries.map(({ actor }) => actor))).toEqual(new Set([`cli:${passwd?.split(":")[0]}`]))
})

test("a token is printed alone, once, and works until it is revoked", { timeout: 120_000 }, async () => {
  const made = await admin(["token", "create", "ci", "--role", "viewer", "--scope", "metrics:read", "--expires", "90d"])
  expect(made.code).toBe(0)
  expect(made.stdout).toMatch(/^ems_[\w-]{49}\n$/)
  expect(made.stderr).toMatch(/^emsdb: token ci \(id \d+\), viewer, until 20\S+Z; it is not shown again\n$/)
  const issued = decoded(IssuedMachineToken, await admin(["token", "create", "all", "--role", "operator", "--json"]))
  expect(issued.token).toMatch(/^ems_/)

  const { items } = decoded(MachineTokens, await admin(["token", "list", "--json"]))
  expect(items).toMatchObject([
    { name: "all", role: "operator", expiresAt: null },
    { name: "ci", role: "viewer", scopes: ["metrics:read"], revokedAt: null }
  ])
  const days = (Date.parse(items[1]?.expiresAt ?? "") - Date.parse(items[1]?.createdAt ?? "")) / 86_400_000
  expect(days).toBeCloseTo(90, 2)
  const shown = await admin(["token", "list"])
  for (const text of [made.stdout.trim(), issued.token]) expect(shown.stdout).not.toContain(text)

  expect(await admin(["token", "revoke", "ci"])).toMatchObject({ code: 0, stdout: "token ci: revoked\n", stderr: "" })
  expect(await admin(["token", "revoke", "ci"])).toMatchObject({ code: 2, stdout: "" })
  expect(decoded(MachineTokens, await admin(["token", "list", "--json"])).items[1]?.revokedAt).not.toBeNull()
  const tooMuch = await admin(["token", "create", "more", "--role", "viewer", "--scope", "access:manage"])
  expect(tooMuch).toMatchObject({ code: 2, stdout: "" })
  expect(tooMuch.stderr).toMatch(/^emsdb: scopes is not usable, expected some of database:read, /)
  expect(JSON.stringify(await audited())).not.toContain("ems_")
})

test.each([
  ["a weak password", ["create", "a@example.org"], "short\n", 2, "12 to 128 characters"],
  ["no password", ["create", "a@example.org"], "", 2, "one line: there is none"],
  ["no e-mail", ["create", "somebody"], password, 2, "email is not usable"],
  ["a role that is none", ["create", "a@example.org", "--role", "root"], password, 2, "viewer"],
  ["nobody's account", ["role", "nobody@example.org", "viewer"], undefined, 2, "no such account"],
  ["a URL for an account", ["remove", "postgres://u:cAnArY-9f27@h/db", "--yes"], undefined, 2, "no such account"],
  ["a bad name", ["token", "create", "1st", "--role", "viewer"], undefined, 2, "Expected a letter"],
  ["no role", ["token", "create", "first"], undefined, 2, "--role"],
  ["a bad end", ["token", "create", "x", "--role", "viewer", "--expires", "soon"], undefined, 2, "such as 90d"],
  [
    "an end that is past",
    ["token", "create", "x", "--role", "viewer", "--expires", "2020-01-01"],
    undefined,
    2,
    "to come"
  ],
  ["a limit of 0", ["audit", "--limit", "0"], undefined, 2, "from 1 to 200"]
])("%s: one line and the right code", async (_, args, input, code, says) => {
  const ended = await admin(args, input)
  expect(ended).toMatchObject({ code, stdout: "" })
  expect(ended.stderr).toMatch(/^emsdb: [^\n]+\n$/)
  expect(ended.stderr).toContain(says)
})

test("says what to do where the tables are missing, and what is wrong with a secret", { timeout: 60_000 }, async () => {
  const empty = await createTestDatabase({ template: false })
  for (const args of [["list"], ["audit"], ["token", "list"], ["token", "create", "x", "--role", "viewer"]]) {
    const { code, stderr, stdout } = await emsdb(["admin", ...args], empty.url)
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" })
    expect(stderr).toMatch(/^emsdb: [^\n]*: run emsdb init\n$/)
  }
  const { code, stderr } = await emsdb(["admin", "list"], empty.url, { EMS_AUTH_SECRET: "cAnArY-9f27" })
  expect(code).toBe(2)
  expect(stderr).toMatch(/^emsdb: EMS_AUTH_SECRET: <not shown> is not usable/)
  await empty.close()
})

test("does the same on an embedded database", { timeout: 120_000 }, async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-"))
  const url = `pglite:${path.join(directory, "data")}`
  try {
    expect((await emsdb(["init"], url)).code).toBe(0)
    const account = decoded(Account, await emsdb(["admin", "create", "a@example.org", "--json"], url, {}, password))
    expect(account.role).toBe("admin")
    expect((await emsdb(["admin", "token", "create", "ci", "--role", "viewer"], url)).stdout).toMatch(/^ems_/)
    const { items } = decoded(AuditLog, await emsdb(["admin", "audit", "--json"], url))
    expect(items.map(({ action }) => action)).toEqual(["token.create", "account.create"])
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
})
