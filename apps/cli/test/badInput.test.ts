import { createTestDatabase, databaseUrl } from "@ems/db-testing"
import { Problem } from "@ems/schema/contract/Problem"
import * as Schema from "effect/Schema"
import { expect, inject, test } from "vitest"
import { canary, emsdb, oneJson } from "./Emsdb.ts"

const somewhere = `postgres://u:${canary}@127.0.0.1:1/db`
const range = "a whole number from 1 to 1000"

const onTheServer = (change: (url: URL) => void) => {
  const url = new URL(inject("postgresUrl"))
  change(url)
  return url.href
}

interface Case {
  readonly what: string
  readonly args: ReadonlyArray<string>
  readonly url?: string | undefined
  readonly more?: Readonly<Record<string, string>>
  readonly code: number
  readonly says: string
}

const cases: ReadonlyArray<Case> = [
  { what: "an unknown command", args: ["ini"], code: 2, says: `unknown command "ini", did you mean init?` },
  { what: "a command that resembles none", args: ["quark"], code: 2, says: `unknown command "quark"; see --help` },
  { what: "an unknown flag", args: ["init", "--jsn"], code: 2, says: "unknown flag --jsn, did you mean --json?" },
  { what: "a URL as an argument", args: ["init", somewhere], code: 2, says: `"<url>"` },
  { what: "a URL as a command", args: [somewhere], code: 2, says: `unknown command "<url>"` },
  { what: "a URL as a flag", args: ["init", `--url=${somewhere}`], code: 2, says: "unknown flag --url" },
  { what: "a URL as a value", args: ["seed", "--scale", somewhere], code: 2, says: range },
  { what: "a scale of 0", args: ["seed", "--scale", "0"], code: 2, says: range },
  { what: "a scale of 1001", args: ["seed", "--scale", "1001"], code: 2, says: range },
  { what: "half a scale", args: ["seed", "--scale", "1.5"], code: 2, says: range },
  { what: "a negative scale", args: ["seed", "--scale", "-3"], code: 2, says: range },
  { what: "a scale in hexadecimal", args: ["seed", "--scale", "0x10"], code: 2, says: range },
  { what: "a scale without a value", args: ["seed", "--scale"], code: 2, says: "Missing value for flag --scale" },
  { what: "no DATABASE_URL", args: ["init"], url: undefined, code: 2, says: "DATABASE_URL: <missing>" },
  { what: "an empty DATABASE_URL", args: ["seed"], url: "", code: 2, says: "DATABASE_URL: <missing>" },
  { what: "no URL at all", args: ["migrate"], url: `just ${canary}`, code: 2, says: "DATABASE_URL: <not a URL>" },
  {
    what: "another database's URL",
    args: ["health"],
    url: `mysql://u:${canary}@h/db`,
    code: 2,
    says: "DATABASE_URL: mysql:"
  },
  {
    what: "a setting out of bounds",
    args: ["migrate"],
    url: somewhere,
    more: { EMS_POOL_MAX: "0" },
    code: 2,
    says: "EMS_POOL_MAX: 0"
  },
  { what: "no server", args: ["migrate"], url: somewhere, code: 3, says: "ConnectFailed" },
  {
    what: "no such host",
    args: ["init"],
    url: `postgres://u:${canary}@no-such-host.invalid/db`,
    code: 3,
    says: "ConnectFailed"
  }
]

test.each(cases)("$what: exit code $code and one line", async ({ args, code, more, says, url }) => {
  const ended = await emsdb(args, url, more)
  expect(ended).toMatchObject({ code, stdout: "" })
  expect(ended.stderr).toMatch(/^emsdb: [^\n]+\n$/)
  expect(ended.stderr).toContain(says)
  const json = await emsdb([...args, "--json"], url, more)
  expect(json).toMatchObject({ code, stdout: "" })
  const problem = Schema.decodeUnknownSync(Problem)(oneJson(json.stderr))
  // As a command of its own `--json` is a second mistake, and `--scale --json` has a value.
  expect(problem["exitCode"]).toBe(code)
})

test("a wrong password", async () => {
  const { code, stderr, stdout } = await emsdb(["migrate"], onTheServer((url) => url.password = canary))
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
  expect(stderr).toMatch(/^emsdb: connect: AuthenticationFailed \[28P01\]: [^\n]+\n$/)
})

test.each(["migrate", "seed"])("%s where the database does not exist", async (command) => {
  const url = databaseUrl(inject("postgresUrl"), "no_such_database")
  const { code, stderr, stdout } = await emsdb([command], url)
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
  expect(stderr).toMatch(/^emsdb: connect: DatabaseMissing \[3D000\]: [^\n]+\n$/)
})

test("seed before init says what to do", async () => {
  const { close, url } = await createTestDatabase({ template: false })
  const { code, stderr, stdout } = await emsdb(["seed"], url)
  expect({ code, stdout }).toEqual({ code: 5, stdout: "" })
  expect(stderr).toMatch(/^emsdb: [^\n]*; run emsdb init first\n$/)
  await close()
})

test("without a command it shows its help", async () => {
  const root = await emsdb([])
  expect(root).toMatchObject({ code: 0, stderr: "" })
  expect(root.stdout).toContain("SUBCOMMANDS")
})
