import type { TestDatabase } from "@ems/db-testing"
import { CheckLine } from "@ems/schema/contract/CheckLine"
import { Checks } from "@ems/schema/contract/Checks"
import Ajv from "ajv-draft-04"
import * as Schema from "effect/Schema"
import { XMLParser, XMLValidator } from "fast-xml-parser"
import * as fs from "node:fs"
import * as path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { formatNames } from "../src/check/FormatName.ts"
import { markdown } from "../src/check/Markdown.ts"
import { canary, emsdb, oneJson } from "./Emsdb.ts"
import { formula, hostileDatabase, tables, unsafe } from "./HostileNames.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await hostileDatabase()
})
afterAll(() => database.close())

/** Two that find something in every table. */
const only = "no-primary-key,redundant-index"
const found = 2 * (tables.length + 1)

const printed = async (format: string, ...more: ReadonlyArray<string>) => {
  const ended = await emsdb(["check", "--only", only, "--format", format, ...more], database.url)
  expect(ended.stderr).toBe("")
  expect(ended.code).toBe(1)
  return ended.stdout
}

const findings = async () =>
  Schema.decodeUnknownSync(Checks, { onExcessProperty: "error" })(oneJson(await printed("json")))
    .checks.flatMap(({ findings }) => findings)

test("json: one line by its contract, with the names as they are", async () => {
  const text = await printed("json")
  expect(text).not.toMatch(unsafe)
  const all = await findings()
  expect(all).toHaveLength(found)
  expect(all.map(({ object }) => object.name)).toEqual(
    expect.arrayContaining([...tables.map((name) => `public.${name}`), `${formula}.t`])
  )
})

test("--json is --format json, and another format beside it is a mistake", async () => {
  const { stdout } = await emsdb(["check", "--only", only, "--json", "--format", "json"], database.url)
  expect(Schema.decodeUnknownSync(Checks)(oneJson(stdout)).summary.warn).toBe(found)
  const { code, stderr } = await emsdb(["check", "--json", "--format", "csv"], database.url)
  expect(code).toBe(2)
  expect(stderr).toContain("json, or no --json beside it")
})

test("ndjson: each line by its contract, and the summary last", async () => {
  const text = await printed("ndjson")
  expect(text).not.toMatch(unsafe)
  const lines = text.trimEnd().split("\n").map((line) =>
    Schema.decodeUnknownSync(CheckLine, { onExcessProperty: "error" })(JSON.parse(line))
  )
  expect(lines.filter(({ kind }) => kind === "finding")).toHaveLength(found)
  expect(lines.at(-1)).toMatchObject({ kind: "summary", warn: found, checks: 2 })
})

/** Of RFC 4180, as far as it is needed: quoted cells, doubled quotes, CR LF. */
const csvRows = (text: string): ReadonlyArray<ReadonlyArray<string>> => {
  const rows: Array<Array<string>> = [[]]
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/gy
  for (const [, value = "", end] of text.matchAll(cell)) {
    rows.at(-1)!.push(value.startsWith("\"") ? value.slice(1, -1).replaceAll("\"\"", "\"") : value)
    if (end === "\r\n") rows.push([])
  }
  return rows.slice(0, -1)
}

test("csv: RFC 4180, and no cell is a formula", async () => {
  const text = await printed("csv")
  const [head, ...rows] = csvRows(text)
  expect(csvRows(text).flat().join("").length).toBeGreaterThan(text.length * 0.8)
  expect(head).toHaveLength(13)
  expect(rows.every((row) => row.length === 13)).toBe(true)
  expect(rows.filter(([kind]) => kind === "finding")).toHaveLength(found)
  for (const cell of rows.flat()) expect(cell).not.toMatch(/^[=+\-@\t\r]/)
  expect(rows.map((row) => row[4])).toContain(`'${formula}.t`)
  expect(text.replaceAll("\r\n", "\n")).not.toMatch(unsafe)
})

test("markdown: nothing of a name is markup, a link or a mention", async () => {
  const text = await printed("markdown")
  expect(text).not.toMatch(unsafe)
  expect(text).toContain("### emsdb check: failed\n")
  // What is in fences is shown as it is.
  const prose = text.replace(/^(`{3,})sql\n[\s\S]*?\n\1$/gm, "")
  expect(prose).not.toMatch(/<(?!details>|\/details>|summary>|\/summary>|https:\/\/www\.postgresql\.org\/)/)
  expect(prose).not.toMatch(/(?<!\\)`|(?<!\\)\*/)
  expect(prose).not.toMatch(/@team|#1|https:\/\/evil|www\.evil/)
  const rows = text.split("\n").filter((line) => line.startsWith("| warn"))
  expect(rows).toHaveLength(found)
  for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(4)
  expect(text.match(/^<details>/gm)).toHaveLength(found)
})

interface Result {
  readonly ruleId: string
  readonly ruleIndex: number
  readonly message: { readonly text: string }
  readonly partialFingerprints: Readonly<Record<string, string>>
}

interface Log {
  readonly runs: ReadonlyArray<{
    readonly results: ReadonlyArray<Result>
    readonly tool: { readonly driver: { readonly rules: ReadonlyArray<{ readonly id: string }> } }
  }>
}

test("sarif: by the schema of 2.1.0, with a fingerprint for each", async () => {
  const text = await printed("sarif")
  expect(text).not.toMatch(unsafe)
  const log: unknown = oneJson(text)
  const schema: object = JSON.parse(
    fs.readFileSync(path.join(import.meta.dirname, "fixtures", "sarif-2.1.0-rtm.5.json"), "utf8")
  )
  const validate = new Ajv.default({ strict: false, allErrors: true, validateFormats: false, unicodeRegExp: false })
    .compile(
      schema
    )
  expect(validate(log), JSON.stringify(validate.errors)).toBe(true)
  const [run] = (log as Log).runs
  expect(run!.results).toHaveLength(found)
  const keys = (await findings()).map(({ cacheKey }) => cacheKey)
  expect(new Set(run!.results.map((one) => one.partialFingerprints["cacheKey/v1"]))).toEqual(new Set(keys))
  for (const { message, ruleId, ruleIndex } of run!.results) {
    expect(run!.tool.driver.rules[ruleIndex]!.id).toBe(ruleId)
    expect(message.text.replaceAll(/\{\{|\}\}|\\[[\]\\]/g, "")).not.toMatch(/[{}[\]]/)
  }
})

const xml = (text: string): unknown => {
  expect(XMLValidator.validate(text)).toBe(true)
  return new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "",
    isArray: (name) => name === "testsuite" || name === "testcase"
  }).parse(text)
}

test("junit: a failure for each finding that fails, and a pass for the others", async () => {
  const text = await printed("junit")
  expect(text).not.toMatch(unsafe)
  const { testsuites } = xml(text) as {
    testsuites: { failures: string; testsuite: Array<{ testcase: Array<object> }> }
  }
  expect(testsuites.failures).toBe(String(found))
  const cases = testsuites.testsuite.flatMap(({ testcase }) => testcase)
  expect(cases).toHaveLength(found)
  expect(cases.every((one) => "failure" in one && !("b" in one))).toBe(true)
  const { code, stdout } = await emsdb(
    ["check", "--only", only, "--format", "junit", "--fail-on", "error"],
    database.url
  )
  expect(code).toBe(0)
  expect(xml(stdout)).toMatchObject({ testsuites: { tests: String(found), failures: "0" } })
})

test("github: each line is one command of ours, and nothing in it another", async () => {
  const text = await printed("github")
  expect(text).not.toMatch(unsafe)
  const lines = text.trimEnd().split("\n")
  // As the runner reads them: the first `::` behind the properties ends them.
  const commands = lines.map((line) => /^::(\w+) title=([^:,]*)::(.*)$/.exec(line))
  expect(commands.every((one) => one !== null)).toBe(true)
  expect(commands.filter((one) => one?.[1] === "warning")).toHaveLength(found)
  expect(lines.at(-1)).toMatch(/^::notice title=emsdb check::2 checks in /)
  expect(lines.join("")).not.toMatch(/%(?!0A|0D|25|3A|2C)/)
})

test.each(["table", "expanded"])("%s: at most 100 columns, and SQL about the very object", async (format) => {
  const text = await printed(format)
  expect(text).not.toMatch(unsafe)
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(100)
  // A name with hidden characters keeps them, escaped: without them it would be another one.
  expect(text).toContain(`U&"one line\\000a::error`)
  expect(text).toContain(`U&"one \\001b[31mred\\0007\\009b2J"`)
  expect(text).toContain(`${found} warnings`)
})

test("expanded has everything of a finding", async () => {
  const text = (await printed("expanded")).replaceAll(/\s+/g, " ")
  const plain = (value: string) => value.replaceAll(/\s+/g, " ")
  const finding = (await findings()).find(({ object }) => object.name === `${formula}.t`)!
  expect(text).toContain(plain(finding.impact))
  expect(text).toContain(finding.documentation)
  for (const name of Object.keys(finding.evidence)) expect(text).toContain(` ${name}: `)
})

test(
  "what could not be looked at is in every format, and fails when all of it is required",
  { timeout: 120_000 },
  async () => {
    const role = "emsdb_check_sees_little"
    await database.admin(`create role ${role} login password '${canary}'`)
    await database.admin("revoke select on pg_constraint from public")
    const url = new URL(database.url)
    url.username = role
    url.password = canary
    const args = ["check", "--only", "not-validated-constraint", "--format"]
    try {
      for (const format of formatNames) {
        const ended = await emsdb([...args, format], url.href)
        expect(ended).toMatchObject({ code: 0, stderr: "" })
        expect(ended.stdout).toContain("not-validated-constraint")
        expect(ended.stdout.replaceAll(/[\s\\]+/g, " ")).toContain("the server refused")
      }
      const junit = await emsdb([...args, "junit", "--require-all", "--fail-on", "never"], url.href)
      expect(junit.code).toBe(1)
      expect(xml(junit.stdout)).toMatchObject({ testsuites: { errors: "1", skipped: "0" } })
    } finally {
      await database.admin("grant select on pg_constraint to public")
      await database.admin(`drop role ${role}`)
    }
  }
)

/** It takes seconds to start, many on a busy machine. */
const patient = { EMS_CONNECT_TIMEOUT_MS: "60000", EMS_POOL_ACQUIRE_TIMEOUT_MS: "60000" }

test("an embedded database says as a table and as JSON what it cannot look at", { timeout: 120_000 }, async () => {
  const people = await emsdb(["check", "--fail-on", "never"], "pglite:memory", patient)
  expect(people).toMatchObject({ code: 0, stderr: "" })
  expect(people.stdout).toContain("  blocked-session: an embedded database has one session")
  const { code, stdout } = await emsdb(["check", "--format", "json", "--require-all"], "pglite:memory", patient)
  expect(code).toBe(1)
  expect(Schema.decodeUnknownSync(Checks)(oneJson(stdout)).summary.unavailable).toBeGreaterThan(0)
})

test("markdown of thousands of findings is still a comment", async () => {
  const report = Schema.decodeUnknownSync(Checks)(oneJson(await printed("json")))
  const [check] = report.checks
  const many = {
    ...report,
    checks: [{ ...check!, findings: Array.from({ length: 500 }, () => check!.findings).flat() }]
  }
  const text = markdown(many, { failOn: "warn", requireAll: false })
  expect(text.length).toBeLessThan(65_536)
  expect(text).toMatch(/there is no room/)
})

// The last one: it changes what the others look at.
test("the SQL that people are shown acts on the very object, whatever it is called", async () => {
  const [head, ...rows] = csvRows(await printed("csv"))
  const mending = rows.filter((row) => row[2] === "redundant-index").map((row) => row[head!.indexOf("remediation")]!)
  expect(mending).toHaveLength(found / 2)
  for (const statement of mending) await database.admin(statement)
  const { code } = await emsdb(["check", "--only", "redundant-index", "--fail-on", "info"], database.url)
  expect(code).toBe(0)
})
