import type { TestDatabase } from "@ems/db-testing"
import { Baseline } from "@ems/schema/contract/Baseline"
import { Checks } from "@ems/schema/contract/Checks"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { canary, emsdb, oneJson } from "./Emsdb.ts"
import { hostileDatabase, tables, unsafe } from "./HostileNames.ts"

let database: TestDatabase
let folder: string
let file: string
beforeAll(async () => {
  database = await hostileDatabase()
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-check-"))
  file = path.join(folder, "checks.json")
})
afterAll(async () => {
  fs.rmSync(folder, { recursive: true, force: true })
  await database.close()
})
beforeEach(() => fs.rmSync(file, { force: true }))

const only = ["--only", "no-primary-key"]
const found = tables.length + 1

const check = async (...args: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await emsdb(["check", ...args, "--json"], database.url)
  expect(stderr).toBe("")
  const report = Schema.decodeUnknownSync(Checks, { onExcessProperty: "error" })(oneJson(stdout))
  return { code, report, baseline: report.baseline }
}

const written = () =>
  Schema.decodeUnknownSync(Baseline, { onExcessProperty: "error" })(JSON.parse(fs.readFileSync(file, "utf8")))

const write = (accepted: ReadonlyArray<object>) => fs.writeFileSync(file, JSON.stringify({ version: 1, accepted }))

test("accepts what it wrote, also under hostile names, in every format", { timeout: 120_000 }, async () => {
  expect(await check(...only, "--write-baseline", file)).toMatchObject({
    code: 0,
    baseline: { accepted: found, isWritten: true },
    report: { summary: { warn: 0 } }
  })
  expect(fs.readFileSync(file, "utf8")).not.toMatch(unsafe)
  expect(written().accepted).toHaveLength(found)
  expect(fs.readdirSync(folder)).toEqual(["checks.json"])
  const again = await check(...only, "--baseline", file)
  expect(again).toMatchObject({ code: 0, baseline: { accepted: found, stale: [], expired: [], isWritten: false } })
  for (const format of ["table", "expanded", "ndjson", "csv", "markdown", "sarif", "junit", "github"]) {
    const ended = await emsdb(["check", ...only, "--baseline", file, "--format", format], database.url)
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(ended.stdout).toContain("accepted")
    expect(ended.stdout.replaceAll("\r\n", "\n")).not.toMatch(unsafe)
  }
  const { stdout } = await emsdb(["check", ...only, "--baseline", file, "--format", "sarif"], database.url)
  expect(stdout.match(/"suppressions":\[\{"kind":"external","status":"accepted"/g)).toHaveLength(found)
})

test("a last day, a severity that has grown and a finding that is gone are told", async () => {
  const { report } = await check(...only)
  const [first, second, third, fourth] = report.checks[0]!.findings
  write([
    { cacheKey: first!.cacheKey, until: "2020-01-31", reason: "until then" },
    { cacheKey: second!.cacheKey, severity: "info" },
    { cacheKey: third!.cacheKey, severity: "error", until: "2999-12-31", reason: "a log" },
    { cacheKey: fourth!.cacheKey },
    { cacheKey: "no-primary-key:table:public.gone" },
    { cacheKey: "no-such-check:table:public.t" },
    // That one did not look.
    { cacheKey: "redundant-index:index:public.i" }
  ])
  const judged = await check(...only, "--baseline", file)
  expect(judged).toMatchObject({
    code: 1,
    report: { summary: { warn: found - 2 } },
    baseline: {
      accepted: 2,
      expired: [first!.cacheKey],
      worse: [second!.cacheKey],
      stale: ["no-primary-key:table:public.gone", "no-such-check:table:public.t"]
    }
  })
  expect(judged.report.checks[0]!.accepted).toContainEqual({ ...third, reason: "a log", until: "2999-12-31" })
  const people = await emsdb(["check", ...only, "--baseline", file], database.url)
  expect(people.stdout).toContain("in the baseline for nothing, take it out: no-primary-key:table:public.gone")

  // Written anew it keeps what people wrote, and nothing that is gone.
  expect(await check(...only, "--write-baseline", file)).toMatchObject({ code: 1, baseline: { accepted: found - 1 } })
  const entries = new Map(written().accepted.map((entry) => [entry.cacheKey, entry]))
  expect(entries.size).toBe(found + 1)
  expect(entries.get(first!.cacheKey)).toMatchObject({ until: "2020-01-31", reason: "until then" })
  expect(entries.get(second!.cacheKey)).toMatchObject({ severity: "warn" })
  expect(entries.get(third!.cacheKey)).toMatchObject({ severity: "warn", until: "2999-12-31", reason: "a log" })
  expect(entries.has("redundant-index:index:public.i")).toBe(true)
})

test("a new finding fails beside accepted ones", async () => {
  const { report } = await check(...only)
  write(report.checks[0]!.findings.slice(1).map(({ cacheKey }) => ({ cacheKey })))
  const { code, report: judged } = await check(...only, "--baseline", file)
  expect(code).toBe(1)
  expect(judged.checks[0]!.findings).toEqual(report.checks[0]!.findings.slice(0, 1))
})

test.each([
  ["nothing", undefined, "a file that can be read"],
  ["no JSON", `PASSWORD=${canary}`, "a baseline, which is JSON"],
  ["another file", `{"token":"${canary}"}`, "a baseline of version 1; it differs at"],
  ["another version", `{"version":2,"accepted":[]}`, "it differs at version"],
  ["an unknown member", `{"version":1,"accepted":[],"x":1}`, "it differs at x"],
  ["an impossible day", `{"version":1,"accepted":[{"cacheKey":"a:b","until":"2026-02-30"}]}`, "at accepted[0].until"],
  ["a key twice", `{"version":1,"accepted":[{"cacheKey":"a:b"},{"cacheKey":"a:b"}]}`, "it differs at accepted"]
])("a file with %s is one clear line", async (_, content, says) => {
  if (content !== undefined) fs.writeFileSync(file, content)
  const { code, stderr, stdout } = await emsdb(["check", "--baseline", file], database.url)
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
  expect(stderr).toMatch(/^emsdb: [^\n]+\n$/)
  expect(stderr).toContain(says)
  // What cannot be read is not written over.
  if (content !== undefined) {
    expect((await emsdb(["check", ...only, "--write-baseline", file], database.url)).code).toBe(2)
    expect(fs.readFileSync(file, "utf8")).toBe(content)
  }
})

test("a place that cannot be written is one clear line", async () => {
  const nowhere = path.join(folder, "no", "such", "folder.json")
  const { code, stderr } = await emsdb(["check", ...only, "--write-baseline", nowhere], database.url)
  expect(code).toBe(2)
  expect(stderr).toMatch(/^emsdb: [^\n]*a file that can be written\n$/)
})
