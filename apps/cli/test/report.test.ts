import { createTestDatabase, databaseUrl, type TestDatabase } from "@ems/db-testing"
import { connect } from "@ems/db-testing/Admin"
import { Report } from "@ems/schema/contract/Report"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { sheet } from "../src/report/Sheet.ts"
import { canary, decoded, emsdb, program, start } from "./Emsdb.ts"
import { type Element, parsed } from "./HtmlPage.ts"

/** What a browser, a style sheet, an attribute or a template could take for something else than a name. */
const hostile = [
  "<script>alert(1)</script>",
  "\"><img src=x onerror=alert(2)>",
  "' onmouseover='alert(3)",
  "</style></title><b>STYLE",
  "&lt;b&gt; &amp; ${7*7}",
  "<!-- --><base href=//x>",
  "javascript:alert(4)",
  "\u202Egnp.exe\u0007"
]

let database: TestDatabase
let hostileUrl = ""
let directory = ""
beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-"))
  database = await createTestDatabase({ template: false })
  // What pg's own parser of URLs can decode.
  const name = `${database.name}<script>"'\u202E<b>`
  await database.admin(`create database "${name.replaceAll("\"", "\"\"")}"`)
  hostileUrl = databaseUrl(database.url, encodeURIComponent(name))
  expect((await emsdb(["init", "--seed"], hostileUrl)).code).toBe(0)
  const client = await connect(hostileUrl)
  const quoted = (text: string) => `"${text.replaceAll("\"", "\"\"")}"`
  for (const text of hostile) {
    await client.query(`create schema ${quoted(text)}`)
    const table = `${quoted(text)}.${quoted(text)}`
    await client.query(`create table ${table} (${quoted(text)} text)`)
    await client.query(`insert into ${table} select '${canary}' from generate_series(1, 3000)`)
    await client.query(`create index ${quoted(`${text}1`)} on ${table} (${quoted(text)})`)
    await client.query(`create index ${quoted(`${text}2`)} on ${table} (${quoted(text)})`)
    await client.query(`analyze ${table}`)
  }
  await client.end()
}, 120_000)
afterAll(async () => {
  fs.rmSync(directory, { recursive: true, force: true })
  await database.close()
})

const fresh = (name: string) => path.join(fs.mkdtempSync(path.join(directory, "r-")), name)

/** Elements that a report is made of; any other got in. */
const known = new Set(
  ("html head meta title style body header h1 h2 h3 h4 p time main ul li b nav a section dl dt dd article span pre "
    + "table caption thead tbody tr th td code div footer").split(" ")
)

/** The same of attributes, each with what it may say. */
const attributes: Readonly<Record<string, RegExp>> = {
  "aria-label": /^/,
  "aria-labelledby": /^[a-z]+-title$/,
  charset: /^utf-8$/,
  class: /^[a-z ]+$/,
  content: /^(default-src 'none'; style-src 'unsafe-inline'|width=device-width, initial-scale=1|no-referrer)$/,
  datetime: /^[\dT:.Z-]+$/,
  href: /^(#[a-z]+|https:\/\/www\.postgresql\.org\/docs\/current\/[\w./#-]+)$/,
  "http-equiv": /^Content-Security-Policy$/,
  id: /^[a-z]+(-title)?$/,
  lang: /^en$/,
  name: /^(viewport|referrer)$/,
  rel: /^noreferrer$/,
  role: /^region$/,
  scope: /^(col|row)$/,
  tabindex: /^0$/
}

/** Nothing but what a report is made of, and what makes it readable for everybody. */
const inspect = (markup: string) => {
  const page = parsed(markup)
  expect(page.errors).toEqual([])
  for (const { attributes: its, name } of page.elements) {
    expect(known).toContain(name)
    for (const [attribute, value] of Object.entries(its)) {
      expect(Object.keys(attributes)).toContain(attribute)
      expect(value).toMatch(attributes[attribute] ?? /$^/)
    }
  }
  const named = (name: string) => page.elements.filter((element) => element.name === name)
  expect(named("meta")[1]?.attributes).toEqual({
    "http-equiv": "Content-Security-Policy",
    content: "default-src 'none'; style-src 'unsafe-inline'"
  })
  const ids = page.elements.flatMap(({ attributes: { id } }) => id ?? [])
  expect(ids).toEqual([...new Set(ids)])
  for (const { attributes: { href } } of named("a")) if (href?.startsWith("#")) expect(ids).toContain(href.slice(1))
  for (const { attributes: its } of named("section")) expect(ids).toContain(its["aria-labelledby"])
  for (const { attributes: its } of named("th")) expect(its).toHaveProperty("scope")
  const levels = page.elements.flatMap(({ name }) => /^h\d$/.test(name) ? [Number(name[1])] : [])
  expect(levels.filter((level) => level === 1)).toHaveLength(1)
  for (const [at, level] of levels.entries()) expect(level - (levels[at - 1] ?? 0)).toBeLessThanOrEqual(1)
  expect(named("section").map((section: Element) => section.attributes["aria-labelledby"])).toHaveLength(12)
  return page
}

describe("of a server", () => {
  test("one file, in which hostile names are names", { timeout: 120_000 }, async () => {
    const session = await connect(hostileUrl)
    await session.query(`set application_name = '<img src=x onerror=alert(5)>'`)
    await session.query("begin")
    await session.query(`select count(*) from events where venue = '${canary}'`)
    const file = fresh("report.html")
    const { code, stderr, stdout } = await emsdb(["report", "--out", file], hostileUrl)
    await session.query("rollback")
    await session.end()
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(/^\/\S+\/report\.html: \d+\.\d KiB; \d+ errors?, \d+ warnings?, \d+ for information\n$/)
    const markup = fs.readFileSync(file, "utf8")
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    expect(fs.readdirSync(path.dirname(file))).toEqual(["report.html"])

    const { text, elements } = inspect(markup)
    // What was written in is what is read: nothing of it is markup, and what nobody sees is marked.
    for (const name of hostile.slice(0, -1)) expect(text).toContain(`${name}.${name}`)
    expect(text).toContain("\uFFFDgnp.exe\uFFFD")
    expect(text).not.toContain("\u202E")
    expect(text).toContain("<img src=x onerror=alert(5)>")
    expect(elements.find(({ name }) => name === "h1")?.text)
      .toMatch(new RegExp(`^Database report: ${database.name}<script>`))
    // No value, no password, no address.
    for (const secret of [canary, URL.parse(hostileUrl)?.password, "postgres://", "127.0.0.1"]) {
      expect(markup).not.toContain(secret)
    }
    expect(text).toContain("select count(*) from events where venue = ?")
    expect(text).toContain(`drop index concurrently "${hostile[0]}"."${hostile[0]}2";`)
    // Eight of a table each: bounded where there are more.
    expect(text).toMatch(/Tables, the largest first: 20 of \d\d/)
  })

  test("blocking: who holds up whom", { timeout: 60_000 }, async () => {
    const [holder, waiter] = [await connect(hostileUrl), await connect(hostileUrl)]
    await holder.query("begin")
    await holder.query("lock table events")
    const waits = waiter.query("select count(*) from events").catch((error: Error) => error)
    // Locks are the whole server's, and other tests have some.
    const ours = async () => {
      const { parts } = decoded(Report, await emsdb(["report", "--json"], hostileUrl))
      return parts.blocking.content?.items.filter((root) => root.database?.startsWith(`${database.name}<`)) ?? []
    }
    let roots = await ours()
    while (roots.length === 0) roots = await ours()
    expect(roots).toMatchObject([{ victims: 1, waiters: [{ depth: 1 }] }])
    const { stdout } = await emsdb(["report", "--out", "-"], hostileUrl)
    const { text } = inspect(stdout)
    expect(text).toMatch(/pid \d+ holds up 1 session, one for /)
    expect(text).toContain("AccessShareLock on relation public.events")
    await holder.query("rollback")
    await waits
    await Promise.all([holder.end(), waiter.end()])
  })

  test("--json has the same parts, each bounded", { timeout: 60_000 }, async () => {
    const { parts, version } = decoded(Report, await emsdb(["report", "--json"], hostileUrl))
    expect(version).toBeGreaterThanOrEqual(180_000)
    expect(Object.values(parts).map(({ unavailable }) => unavailable)).toEqual(Array(12).fill(null))
    expect(parts.tables.content?.items).toHaveLength(20)
    expect(parts.tables.content?.total).toBeGreaterThan(20)
    expect(parts.indexes.content).toMatchObject({ counts: { redundant: 8, invalid: 0, unused: 0 } })
    expect(parts.migrations.content?.counts).toMatchObject({ pending: 0, edited: 0, missing: 0 })
    // Counted once: two answers would differ on a server that is busy.
    expect(parts.status.content?.findings).toEqual(parts.findings.content?.summary)
    expect(parts.settings.content?.total)
      .toBe(parts.findings.content?.items.filter(({ name }) => name === "setting").length)
  })

  test("one part that fails does not lose the others", { timeout: 60_000 }, async () => {
    const client = await connect(hostileUrl)
    await client.query("begin")
    await client.query("lock table drizzle.__drizzle_migrations")
    const { code, stderr, stdout } = await emsdb(["report", "--out", "-"], hostileUrl, { EMS_QUERY_TIMEOUT_MS: "4000" })
    await client.query("rollback")
    await client.end()
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const { text } = inspect(stdout)
    expect(text).toMatch(/Migrations\s+Not looked at: query: (DeadlineExceeded|StatementTimeout)/)
    expect(text).toMatch(/Tables, the largest first: 20 of/)
  })

  test("before init: what is not there is said", { timeout: 60_000 }, async () => {
    const { stdout } = await emsdb(["report", "--out", "-"], database.url)
    const { text } = inspect(stdout)
    expect(text).toMatch(/0 applied, \d+ pending/)
    expect(text).toContain("There are no tables.")
  })
})

describe("the file", () => {
  test("is never written over, unless --force says so", { timeout: 60_000 }, async () => {
    const file = fresh("mine.html")
    fs.writeFileSync(file, "mine")
    const refused = await emsdb(["report", "--out", file], database.url)
    expect(refused).toMatchObject({ code: 2, stdout: "" })
    expect(refused.stderr).toMatch(/^emsdb: [^\n]*a file that is not there yet; --force writes over it\n$/)
    expect(fs.readFileSync(file, "utf8")).toBe("mine")
    expect((await emsdb(["report", "--out", file, "--force"], database.url)).code).toBe(0)
    inspect(fs.readFileSync(file, "utf8"))
    expect(fs.readdirSync(path.dirname(file))).toEqual(["mine.html"])
  })

  test(
    "has a name of its own where none is given, which the database does not choose",
    { timeout: 60_000 },
    async () => {
      const cwd = path.dirname(fresh("x"))
      const [command = "", ...rest] = program
      const code = await new Promise((resolve) =>
        spawn(command, [...rest, "report"], {
          cwd,
          env: { PATH: process.env["PATH"] ?? "", DATABASE_URL: hostileUrl },
          stdio: "ignore"
        }).once("close", resolve)
      )
      expect(code).toBe(0)
      const [name = "", ...others] = fs.readdirSync(cwd)
      expect(others).toEqual([])
      expect(name).toMatch(/^emsdb-report-\w+-\d{4}-\d\d-\d\dT\d{6}Z\.html$/)
    }
  )

  test.each([
    ["where no directory is", ["--out", "no/such/directory/r.html"], "a file that can be written"],
    ["without a name", ["--out", ""], "the name of a file"],
    ["as JSON", ["--out", "r.html", "--json"], "one of the two"]
  ])("%s: one line", async (_, args, says) => {
    const ended = await emsdb(["report", ...args], database.url)
    expect(ended).toMatchObject({ code: 2, stdout: "" })
    expect(ended.stderr).toContain(says)
  })

  test("is not begun where nobody answers", { timeout: 60_000 }, async () => {
    const file = fresh("report.html")
    const ended = await emsdb(["report", "--out", file], `postgres://u:${canary}@127.0.0.1:1/db`)
    expect(ended).toMatchObject({ code: 3, stdout: "" })
    expect(fs.readdirSync(path.dirname(file))).toEqual([])
  })

  test("Ctrl-C leaves none", { timeout: 60_000 }, async () => {
    const client = await connect(hostileUrl)
    await client.query("begin")
    await client.query("lock table drizzle.__drizzle_migrations")
    const file = fresh("report.html")
    const { child, ended } = start(["report", "--out", file], hostileUrl)
    const waits = `select from pg_stat_activity where wait_event_type = 'Lock' and datname like '${database.name}<%'`
    while ((await database.admin(waits)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill("SIGINT")
    expect(await ended).toMatchObject({ code: 5, stdout: "" })
    expect(fs.readdirSync(path.dirname(file))).toEqual([])
    await client.query("rollback")
    await client.end()
  })
})

test("of an embedded database: what is known, and why the rest is not", { timeout: 120_000 }, async () => {
  const more = { EMS_CONNECT_TIMEOUT_MS: "60000", EMS_ACQUIRE_TIMEOUT_MS: "60000", EMS_QUERY_TIMEOUT_MS: "60000" }
  const { code, stderr, stdout } = await emsdb(["report", "--out", "-"], "pglite:memory", more)
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  const { text } = inspect(stdout)
  expect(text).toMatch(/Blocking\s+Not looked at: an embedded database has one session/)
  expect(text).toMatch(/Connections\s+(Not looked at[^\n]*\s+)+/)
  expect(text).toMatch(/Transactions since/)
})

/** As WCAG 2.2 computes it, from colours as six hex digits. */
const contrast = (one: string, other: string): number => {
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

test("every text can be read, by day and by night", () => {
  const schemes = sheet.split("\n  color-scheme: ").slice(1).map((text) =>
    new Map(
      Array.from(
        text.split("}")[0]!.matchAll(/--([a-z]+): (#[0-9a-f]{6});/g),
        ([, name = "", colour = ""]) => [name, colour]
      )
    )
  )
  expect(schemes).toHaveLength(3)
  for (const colours of schemes) {
    for (const text of ["text", "quiet", "link", "error", "warn", "info", "fine"]) {
      for (const behind of ["page", "raised"]) {
        expect(contrast(colours.get(text) ?? "", colours.get(behind) ?? "")).toBeGreaterThanOrEqual(4.5)
      }
    }
  }
  expect(sheet).not.toMatch(/url\(|@import|<\//)
})
