import { createTestDatabase } from "@ems/db-testing"
import { Checks } from "@ems/schema/contract/Checks"
import { Init } from "@ems/schema/contract/Init"
import { MigrationStatus } from "@ems/schema/contract/Migrations"
import { Seed } from "@ems/schema/contract/Seed"
import * as fs from "node:fs"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { build, type Built, runFile, type RunOptions } from "./Built.ts"
import { canary, decoded, emsdb } from "./Emsdb.ts"

const workspace = path.resolve(import.meta.dirname, "../../..")
const { version } = JSON.parse(fs.readFileSync(path.join(workspace, "apps/cli/package.json"), "utf8"))
const migrations = fs.readdirSync(path.join(workspace, "drizzle")).filter((name) => /^\d{14}_/.test(name)).toSorted()

let built: Built
const installed = (args: ReadonlyArray<string>, url?: string, more: RunOptions = {}) =>
  runFile(built.installed, args, { ...more, url })
const alone = (args: ReadonlyArray<string>, url?: string, more: RunOptions = {}) =>
  runFile(built.alone, args, { ...more, url })

beforeAll(() => {
  built = build()
}, 120_000)
afterAll(() => built.close())

describe("the package", () => {
  test("depends on what cannot be in a file of JavaScript, and on nothing else", () => {
    const manifest = JSON.parse(fs.readFileSync(path.join(built.dist, "package.json"), "utf8"))
    expect(manifest).toMatchObject({
      name: "@ems/cli",
      version,
      bin: { emsdb: "emsdb.mjs" },
      dependencies: { "@node-rs/argon2": expect.stringMatching(/^\d/) },
      optionalDependencies: { "@electric-sql/pglite": expect.stringMatching(/^\d/) }
    })
    expect(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })).toHaveLength(2)
  })

  test("has no path of the machine that built it", () => {
    for (const name of fs.readdirSync(built.dist)) {
      const text = fs.readFileSync(path.join(built.dist, name), "utf8")
      expect(text.includes(workspace), name).toBe(false)
      expect(text.includes("node_modules/.pnpm"), name).toBe(false)
    }
  })

  test("brings the licences of what is inside", () => {
    const text = fs.readFileSync(path.join(built.dist, "THIRD-PARTY-LICENSES.txt"), "utf8")
    for (const name of ["effect", "drizzle-orm", "libpg-query", "ws"]) {
      expect(text).toMatch(new RegExp(`^${name} \\d`, "m"))
    }
  })
})

test("says its version, and the help that its source says", async () => {
  expect(installed(["--version"])).toEqual({ code: 0, stdout: `emsdb v${version}\n`, stderr: "" })
  const help = installed(["--help"])
  expect(help).toEqual(await emsdb(["--help"]))
  expect(help.stdout).toContain("SUBCOMMANDS")
})

describe("on Postgres", () => {
  test("makes, fills and checks a database with the migrations that came with it", { timeout: 60_000 }, async () => {
    const { close, url } = await createTestDatabase({ template: false })
    const init = decoded(Init, installed(["init", "--json"], url))
    expect(init.migrations.applied).toEqual(migrations.map((name) => ({ name, appliedNow: true })))
    expect(decoded(Seed, installed(["seed", "--json"], url)).seeded).toBe(true)
    const check = installed(["check", "--json"], url)
    expect(decoded(Checks, check).checks.length).toBeGreaterThan(10)
    // A server for tests has settings that are findings.
    expect([0, 1]).toContain(check.code)
    expect(installed(["check", "--only", "invalid-index,no-primary-key"], url)).toMatchObject({ code: 0, stderr: "" })
    // To the source they are the files of its folder.
    expect(decoded(MigrationStatus, await emsdb(["migrate", "status", "--json"], url))).toEqual({
      applied: migrations,
      pending: [],
      begun: [],
      edited: [],
      missing: []
    })
    await close()
  })

  test("hashes a password", { timeout: 60_000 }, async () => {
    const { close, url } = await createTestDatabase({ template: false })
    installed(["init", "--json"], url)
    const input = `correct horse ${canary}\n`
    const created = installed(["admin", "create", "a@example.com", "--role", "admin"], url, { input })
    expect(created).toMatchObject({ code: 0, stderr: "" })
    await close()
  })

  test("needs no package beside it", { timeout: 60_000 }, async () => {
    const { close, url } = await createTestDatabase({ template: false })
    decoded(Init, alone(["init", "--json"], url))
    expect(alone(["migrate"], url)).toMatchObject({ code: 0, stderr: "" })
    // What is written to the audit log takes the accounts, and no password.
    expect(alone(["analyze"], url)).toMatchObject({ code: 0 })
    await close()
  })
})

describe("on PGlite", () => {
  test("makes a database in a directory, and finds it again", { timeout: 120_000 }, () => {
    const url = `pglite:${path.join(built.folder, "a database")}`
    expect(decoded(Init, installed(["init", "--json"], url)).migrations.pending).toBe(0)
    expect(decoded(Seed, installed(["seed", "--json"], url)).seeded).toBe(true)
    expect(installed(["check", "--fail-on", "error"], url)).toMatchObject({ code: 0, stderr: "" })
  })

  test("makes one in memory", { timeout: 60_000 }, () => {
    expect(decoded(Init, installed(["init", "--json"], "pglite:memory")).migrations.pending).toBe(0)
  })

  test("says which package is missing", { timeout: 60_000 }, () => {
    const { code, stderr, stdout } = alone(["status"], "pglite:memory")
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
    expect(stderr).toMatch(/^emsdb: [^\n]*npm install @electric-sql\/pglite\n$/)
  })
})

describe("never shows its code", () => {
  test("where an error comes from outside of what it runs", { timeout: 60_000 }, () => {
    const preload = path.join(built.folder, "preload.mjs")
    fs.writeFileSync(
      preload,
      `const timer = setInterval(() => {
        if (process.listenerCount("uncaughtException") === 0) return
        clearInterval(timer)
        throw new Error("${canary}")
      }, 1)`
    )
    const flags = process.versions["bun"] === undefined ? ["--import", preload] : ["--preload", preload]
    const { code, stderr, stdout } = installed(["init"], "pglite:memory", { flags })
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" })
    expect(stderr).toMatch(/^emsdb: an error inside emsdb[^\n]*\n$/)
  })

  test("to a Node that is too old", ({ skip }) => {
    if (process.versions["bun"] !== undefined) return skip("this is no Node")
    const old = `Object.defineProperty(process.versions, "node", { value: "22.18.0" })`
    const { code, stderr } = installed(["--help"], undefined, {
      flags: ["--import", `data:text/javascript,${encodeURIComponent(old)}`]
    })
    expect(code).toBe(2)
    expect(stderr).toMatch(/^emsdb: Node 22\.18\.0 is too old[^\n]*\n$/)
  })
})
