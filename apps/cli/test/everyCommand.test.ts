/**
 * Each command as a process, on a server and on an embedded database: its JSON is its contract and nothing beside it, its
 * exit code is what it says it is, and people's tables are as wide as a page. What the answers say is for the other tests.
 */
import { createTestDatabase, type TestDatabase } from "@ems/db-testing"
import { AuditLog, IssuedMachineToken, MachineTokens } from "@ems/schema/contract/Access"
import { AccessChange, Account, Accounts } from "@ems/schema/contract/Accounts"
import { Bench } from "@ems/schema/contract/Bench"
import { Blocking } from "@ems/schema/contract/Blocking"
import { CacheDiagnosis } from "@ems/schema/contract/Cache"
import { Checks } from "@ems/schema/contract/Checks"
import { Doctor } from "@ems/schema/contract/Doctor"
import { ExplainedStatement } from "@ems/schema/contract/Explain"
import { Health } from "@ems/schema/contract/Health"
import { Indexes } from "@ems/schema/contract/Indexes"
import { IndexVerification } from "@ems/schema/contract/IndexVerification"
import { Init } from "@ems/schema/contract/Init"
import { MaintenancePlan, MaintenanceResult } from "@ems/schema/contract/Maintenance"
import { Migrate } from "@ems/schema/contract/Migrate"
import { Drift, MigrationLint, MigrationPlan, MigrationRepair, MigrationStatus } from "@ems/schema/contract/Migrations"
import { Problem } from "@ems/schema/contract/Problem"
import { Queries } from "@ems/schema/contract/Queries"
import { Report } from "@ems/schema/contract/Report"
import { Seed } from "@ems/schema/contract/Seed"
import { Slow } from "@ems/schema/contract/Slow"
import { Space } from "@ems/schema/contract/Space"
import { Status } from "@ems/schema/contract/Status"
import { Tables } from "@ems/schema/contract/Tables"
import { Top } from "@ems/schema/contract/Top"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { emsdb, oneJson } from "./Emsdb.ts"

/** Exit codes: one, or that of the server and that of the embedded database. */
type Codes = number | readonly [server: number, embedded: number]

type Case = readonly [command: string, contract: Schema.Codec<unknown, unknown>, codes: Codes, input?: string]

const password = "quite a long phrase of 4711 words\n"

/** In this order: what comes later finds what came before. */
const cases: ReadonlyArray<Case> = [
  ["init", Init, 0],
  ["migrate up", Migrate, 0],
  ["migrate plan", MigrationPlan, 0],
  ["migrate lint", MigrationLint, 0],
  ["migrate status", MigrationStatus, 0],
  ["migrate repair --yes", MigrationRepair, 0],
  ["drift", Drift, 0],
  ["seed", Seed, 0],
  ["status", Status, 0],
  ["health", Health, 0],
  // A superuser, and a connection that may take long to open.
  ["doctor", Doctor, 1],
  ["check --fail-on error", Checks, [1, 0]],
  ["queries", Queries, 1],
  ["slow", Slow, [0, 1]],
  ["explain select+1", ExplainedStatement, 0],
  ["tables", Tables, 0],
  ["space", Space, 0],
  ["indexes list", Indexes, 0],
  ["indexes verify", IndexVerification, 0],
  ["indexes create", MaintenanceResult, 0],
  ["indexes drop --indexes idx_events_date --dry-run", MaintenancePlan, 0],
  ["locks", Blocking, [0, 1]],
  ["top --count 1", Top, 0],
  ["cancel 1", Problem, 2],
  ["kill 1 --reason test --yes", Problem, 2],
  ["analyze", MaintenanceResult, 0],
  ["vacuum --tables events", MaintenanceResult, 0],
  ["reindex --indexes idx_events_date", MaintenanceResult, 0],
  ["optimize --dry-run", MaintenancePlan, 0],
  ["maintenance", MaintenanceResult, 0],
  ["report", Report, 0],
  ["bench --seconds 1", Bench, 0],
  ["cache doctor", CacheDiagnosis, 0],
  ["cache status --api http://127.0.0.1:1", Problem, 3],
  ["admin create a@example.org", Account, 0, password],
  ["admin list", Accounts, 0],
  ["admin role a@example.org admin", Account, 0],
  ["admin password a@example.org", AccessChange, 0, password],
  ["admin token create t --role viewer", IssuedMachineToken, 0],
  ["admin token list", MachineTokens, 0],
  ["admin token revoke t", AccessChange, 0],
  ["admin remove a@example.org --yes", AccessChange, 5],
  ["admin audit", AuditLog, 0]
]

const argsOf = (command: string) => command.split(" ").map((word) => word.replaceAll("+", " "))

interface Leaf {
  /** Such as `admin token create`. */
  readonly name: string
  readonly help: string
}

/** The last commands of the tree, by their help, which needs no database. */
const commandsBelow = async (parent: ReadonlyArray<string>): Promise<ReadonlyArray<Leaf>> => {
  const { code, stderr, stdout } = await emsdb([...parent, "--help"])
  expect({ parent, code, stderr }).toEqual({ parent, code: 0, stderr: "" })
  // Examples come after the list.
  const [listed] = stdout.split(/^SUBCOMMANDS$/m)[1]?.split(/^[A-Z]/m) ?? []
  if (listed === undefined || parent.length > 3) return [{ name: parent.join(" "), help: stdout }]
  const names = Array.from(listed.matchAll(/^ {2}(\w[\w-]*)/gm), ([, name = ""]) => name)
  const below = await Promise.all(names.map((name) => commandsBelow([...parent, name])))
  return below.flat()
}

test("each command has a case here, a line in the docs, and help with an example", { timeout: 60_000 }, async () => {
  const leaves = await commandsBelow([])
  const known = cases.map(([command]) => `${command} `)
  const docs = fs.readFileSync(path.resolve(import.meta.dirname, "../../../docs/cli.md"), "utf8")
  expect(leaves.length).toBeGreaterThan(35)
  const lacking = leaves.map(({ help, name }) => ({
    name,
    hasCase: known.some((command) => command.startsWith(`${name} `)),
    hasDocs: docs.includes(`\`${name}\``),
    hasExample: help.includes("DESCRIPTION") && help.includes("EXAMPLES") &&
      help.includes(`  emsdb ${name}`)
  })).filter(({ hasCase, hasDocs, hasExample }) => !hasCase || !hasDocs || !hasExample)
  expect(lacking).toEqual([])
})

const named = cases.map((one) => ({ command: one[0], one }))

/** What the command printed, by its contract; `text` is what it printed elsewhere. */
const asked = async (url: string, [command, contract, codes, input]: Case, which: 0 | 1) => {
  const wanted = typeof codes === "number" ? codes : codes[which]
  // On a busy machine an embedded database takes longer to start than a connection may take.
  const more = { EMS_CONNECT_TIMEOUT_MS: "40000" }
  const { code, stderr, stdout } = await emsdb([...argsOf(command), "--json"], url, more, input)
  const [answer, text, by] = (code ?? 0) > 1 ? [stderr, stdout, Problem] : [stdout, stderr, contract]
  Schema.decodeUnknownSync(by)(oneJson(answer), { onExcessProperty: "error" })
  return { code, text, wanted }
}

describe("on Postgres 18", () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ template: false })
  })
  afterAll(() => database.close())

  test.each(named)("$command", { timeout: 60_000 }, async ({ one }) => {
    const { code, text, wanted } = await asked(database.url, one, 0)
    expect({ code, text }).toEqual({ code: wanted, text: "" })
  })

  test("tables are as wide as a page", { timeout: 120_000 }, async () => {
    for (const [command] of cases.filter(([command]) => command !== "report")) {
      const { stdout } = await emsdb(argsOf(command), database.url, {}, password)
      const lines = stdout.split("\n").filter((line) => / [|+] |-[+]-/.test(line) && line.length > 100)
      expect({ command, lines }).toEqual({ command, lines: [] })
    }
  })
})

describe("on an embedded database", () => {
  let directory = ""
  beforeAll(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "emsdb-"))
  })
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

  test.each(named)("$command", { timeout: 60_000 }, async ({ one }) => {
    const { code, text, wanted } = await asked(`pglite:${path.join(directory, "data")}`, one, 1)
    expect({ code, text }).toEqual({ code: wanted, text: "" })
  })
})
