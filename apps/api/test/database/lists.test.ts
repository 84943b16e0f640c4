/** What is the same for every endpoint that reads the database. */
import * as Store from "@ems/db-core/migration/StatementDeltas"
import { Activity } from "@ems/schema/contract/Activity"
import { Blocking } from "@ems/schema/contract/Blocking"
import { Checks } from "@ems/schema/contract/Checks"
import { Connections } from "@ems/schema/contract/Connections"
import { Indexes } from "@ems/schema/contract/Indexes"
import { Metrics } from "@ems/schema/contract/Metrics"
import { Migrations } from "@ems/schema/contract/Migrations"
import { Queries } from "@ems/schema/contract/Queries"
import { Sequences } from "@ems/schema/contract/Sequences"
import { SlowQueries } from "@ems/schema/contract/SlowQueries"
import { Space } from "@ems/schema/contract/Space"
import { Tables } from "@ems/schema/contract/Tables"
import { Vacuum } from "@ems/schema/contract/Vacuum"
import { describe, expect, it } from "vitest"
import { deadUrl, problemOf } from "../support.ts"
import { onDatabase, onUrl } from "./support.ts"

const lists = {
  activity: Activity,
  blocking: Blocking,
  connections: Connections,
  indexes: Indexes,
  migrations: Migrations,
  queries: Queries,
  sequences: Sequences,
  "slow-queries": SlowQueries,
  space: Space,
  tables: Tables,
  vacuum: Vacuum
} as const
const names = Object.keys(lists)
const others = ["metrics", "checks", "status", "top"]

/** Of this process alone: what it saw can be read while the database is away, when it is wanted most. */
const ofProcess = new Set(["queries", "slow-queries"])

const bad = [
  "limit=0",
  "limit=201",
  "limit=1.5",
  "limit=ten",
  "offset=-1",
  "offset=100001",
  "sort=nope",
  "sort=",
  "nope=1"
]

describe("bounds", () => {
  it("what a list does not understand is refused, with its place", () =>
    onUrl(deadUrl, async ({ response }) => {
      for (const name of names) {
        for (const search of bad) {
          const problem = await problemOf(await response(`/api/db/${name}?${search}`))
          const pointer = `at /${search.split("=")[0]}`
          expect([name, search, problem.status, problem.detail]).toEqual([
            name,
            search,
            422,
            expect.stringContaining(pointer)
          ])
        }
      }
    }))

  it("a page has what was asked for, and says how much there is", () =>
    onDatabase(async ({ ask }) => {
      const { items, total } = await ask("/api/db/tables?limit=200", Tables)
      expect(items.length).toBe(total)
      const parts = await Promise.all(
        Array.from({ length: Math.ceil(total / 3) }, (_, at) => ask(`/api/db/tables?limit=3&offset=${at * 3}`, Tables))
      )
      expect(parts.flatMap(({ items }) => items.map(({ schema, table }) => `${schema}.${table}`)))
        .toEqual(items.map(({ schema, table }) => `${schema}.${table}`))
      expect(parts.every((part) => part.total === total && part.limit === 3)).toBe(true)
      expect((await ask("/api/db/tables?offset=100000", Tables)).items).toEqual([])
    }, { template: true }))
})

describe("a database that does not answer", () => {
  it("is a problem of what has to ask it, and of nothing else", () =>
    onUrl(deadUrl, async ({ ask, response }) => {
      for (const name of [...names, ...others].filter((name) => !ofProcess.has(name))) {
        const problem = await problemOf(await response(`/api/db/${name}`))
        expect([name, problem.status, problem.reason]).toEqual([name, 503, "ConnectFailed"])
      }
      expect((await problemOf(await response("/api/db/queries?source=server"))).status).toBe(503)
      expect((await ask("/api/db/queries", Queries)).unavailable).toBeNull()
      expect((await ask("/api/db/slow-queries", SlowQueries)).unavailable).toBeNull()
    }))
})

describe("a role that may read little", () => {
  it("is told what it does not see", () =>
    onDatabase(async (stage) => {
      const role = `plain_${new URL(stage.url).pathname.slice(1)}`
      await stage.admin(
        `create role ${role} login password 'plain'`,
        "create extension pg_stat_statements",
        "create schema drizzle",
        "create table drizzle.__drizzle_migrations (id serial primary key, hash text, created_at bigint, name text)"
      )
      await stage.run(Store.install)
      const url = new URL(stage.url)
      url.username = role
      url.password = "plain"
      await onUrl(url.href, async ({ ask }) => {
        expect((await ask("/api/db/activity", Activity)).notes.join()).toMatch(/pg_read_all_stats/)
        for (
          const unavailable of [
            (await ask("/api/db/migrations", Migrations)).unavailable,
            (await ask("/api/db/queries?source=server", Queries)).unavailable
          ]
        ) expect(unavailable).toMatchObject({ because: "privilege" })
        for (const [name, contract] of Object.entries(lists)) await ask(`/api/db/${name}`, contract)
        await ask("/api/db/metrics", Metrics)
        await ask("/api/db/checks", Checks)
      })
    }, { template: true }))
})

/** The same on every runtime: one of them runs it. */
describe.runIf(process.versions["bun"] !== undefined)("an embedded database", () => {
  it(
    "says what it has not, and answers the rest",
    () =>
      onUrl("pglite:memory", async ({ admin, ask }) => {
        // On a busy machine it may take longer to start than a connection may take to open.
        const started = () => admin("select 1")
        await started().catch(started).catch(started)
        await admin("create table t (id serial primary key, v int)", "create index t_v on t (v)")
        for (const name of ["activity", "blocking", "connections"] as const) {
          expect((await ask(`/api/db/${name}`, lists[name])).unavailable).toMatchObject({ because: "backend" })
        }
        expect((await ask("/api/db/connections", Connections)).unavailableParts).toMatchObject([{ part: "limits" }])
        expect(await ask("/api/db/queries?source=server", Queries)).toMatchObject({
          items: [],
          unavailable: { because: "extension" }
        })
        for (const name of ["indexes", "sequences", "space", "tables", "vacuum", "migrations"] as const) {
          const answer = await ask(`/api/db/${name}`, lists[name])
          expect([name, answer.unavailable, answer.total > 0]).toEqual([name, null, true])
        }
        const { checks, summary } = await ask("/api/db/checks", Checks)
        expect(checks.filter(({ unavailable }) => unavailable !== null)).toHaveLength(summary.unavailable)
        expect(summary.unavailable).toBeGreaterThan(0)
        expect((await ask("/api/db/metrics", Metrics)).databasePerformance.counts).toMatchObject({
          tables: 1,
          indexes: 2
        })
      }),
    60_000
  )
})
