import * as StatementDeltas from "@ems/db-core/catalog/StatementDeltas"
import { Database } from "@ems/db-core/connection/Database"
import * as Store from "@ems/db-core/migration/StatementDeltas"
import { labelled } from "@ems/db-core/optimizer/statistics/QueryLabels"
import { QueryPlans } from "@ems/db-core/optimizer/statistics/QueryPlans"
import { QueryStatistics } from "@ems/db-core/optimizer/statistics/QueryStatistics"
import { Queries, Query } from "@ems/schema/contract/Queries"
import { SlowQueries } from "@ems/schema/contract/SlowQueries"
import { sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { canary, deadUrl, problemOf } from "../support.ts"
import { onDatabase, onUrl, type Stage } from "./support.ts"

const execute = (statement: string) =>
  Database.use((database) => database.query((db) => db.execute(sql.raw(statement))))

const asked = `select id from t where name = '${canary}'`
const normal = "select id from t where name = ?"

const ofProcess = async ({ ask }: Pick<Stage, "ask">, search = "") => {
  const answer = await ask(`/api/db/queries?${search}`, Queries)
  if (answer.source !== "process") throw new Error("not the process's")
  return answer
}

const ofServer = async ({ ask }: Pick<Stage, "ask">, search = "") => {
  const answer = await ask(`/api/db/queries?source=server&${search}`, Queries)
  if (answer.source !== "server") throw new Error("not the server's")
  return answer
}

describe("GET /api/db/queries", () => {
  it("tells what this process ran, how often, how long and with which errors, without values", () =>
    onDatabase(async (stage) => {
      await stage.admin("create table t (id int primary key, name text)", "insert into t values (1, 'x'), (2, 'y')")
      for (let times = 0; times < 3; times++) await stage.run(execute(asked))
      await stage.run(labelled({ name: "t.all", caller: "GET /t" })(execute("select * from t")))
      await stage.run(Effect.ignore(execute("select 1 / (id - 1) from t")))

      const { items, total, unavailable, window } = await ofProcess(stage)
      expect([window, unavailable, total]).toEqual(["1h", null, items.length])
      expect(JSON.stringify(items)).not.toContain(canary)
      expect(items.find(({ text }) => text === normal)).toMatchObject({
        id: expect.stringMatching(/^[0-9a-f]{16}$/),
        operation: "SELECT",
        tables: ["t"],
        calls: 3,
        rows: 0,
        errors: 0,
        cache: { hits: 0, misses: 0, bypasses: 0 }
      })
      expect(items.find(({ name }) => name === "t.all")).toMatchObject({ calls: 1, rows: 2 })
      expect(items.find(({ errors }) => errors > 0)).toMatchObject({ errors: 1, errorReasons: { InvalidData: 1 } })
      // The dearest first, by default and by name; and from the other end.
      const times = items.map(({ totalMs }) => totalMs)
      expect(times).toEqual(times.toSorted((a, b) => b - a))
      expect((await ofProcess(stage, "sort=-calls&limit=1")).items).toMatchObject([{ text: normal }])
      const [few, many] = [await ofProcess(stage, "sort=calls"), await ofProcess(stage, "sort=-p99&window=all")]
      expect(few.items.at(-1)?.text).toBe(normal)
      expect(many.items[0]?.p99Ms).toBe(Math.max(...many.items.map(({ p99Ms }) => p99Ms)))
      const second = await ofProcess(stage, "sort=-calls&limit=1&offset=1")
      expect(second).toMatchObject({ total, limit: 1, offset: 1 })
      expect(second.items[0]?.text).not.toBe(normal)
    }))

  it("tells what everybody ran, by what the server counted", () =>
    onDatabase(async (stage) => {
      expect((await ofServer(stage)).unavailable).toMatchObject({ because: "extension" })
      await stage.admin("create extension pg_stat_statements", "create table t (id int, name text)")
      expect((await ofServer(stage)).unavailable).toMatchObject({ because: "statistics" })
      await stage.run(Store.install)
      await stage.run(StatementDeltas.sample({ intervalMs: 0 }))
      expect((await ofServer(stage)).unavailable).toMatchObject({ because: "statistics" })

      await stage.admin(asked, asked)
      await stage.run(StatementDeltas.sample({ intervalMs: 0 }))
      const answer = await ofServer(stage, "window=all&sort=-calls&limit=200")
      expect(answer.unavailable).toBeNull()
      expect(JSON.stringify(answer)).not.toContain(canary)
      const found = answer.items.find(({ text }) => text === normal)
      expect(found).toMatchObject({ calls: 2, rows: 0, user: "postgres" })
      expect(answer.items.reduce((sum, { share }) => sum + (share ?? 0), 0)).toBeCloseTo(1, 6)

      const one = await stage.ask(`/api/db/queries/${found?.id}?source=server&window=24h`, Query)
      expect(one).toMatchObject({ source: "server", statements: [{ queryId: found?.queryId, calls: 2 }] })
      // The process never ran it.
      expect((await problemOf(await stage.response(`/api/db/queries/${found?.id}`))).status).toBe(404)
    }))

  it("refuses what the source does not know", () =>
    onUrl(deadUrl, async ({ response }) => {
      for (
        const [search, pointer] of [
          ["sort=wal", "/sort"],
          ["source=server&sort=p99", "/sort"],
          ["source=server&window=1m", "/window"],
          ["window=2h", "/window"],
          ["source=both", "/source"],
          ["sort=--calls", "/sort"]
        ]
      ) {
        const problem = await problemOf(await response(`/api/db/queries?${search}`))
        expect([search, problem.status, problem.detail]).toEqual([
          search,
          422,
          expect.stringContaining(`at ${pointer}`)
        ])
      }
    }))
})

describe("GET /api/db/queries/:id", () => {
  it("tells who called it and how the server goes about it", () =>
    onDatabase(async (stage) => {
      await stage.admin("create table t (id int primary key, name text)")
      await stage.run(labelled({ caller: "GET /t" })(execute(asked)))
      const id = (await ofProcess(stage)).items.find(({ text }) => text === normal)?.id ?? ""
      const one = async () => {
        const answer = await stage.ask(`/api/db/queries/${id}`, Query)
        if (answer.source !== "process") throw new Error("not the process's")
        return answer.query
      }
      expect(await one()).toMatchObject({ id, calls: 1, callers: [{ name: "GET /t", calls: 1 }], plan: null })

      const plan = (statement: string) =>
        stage.run(Effect.gen(function*() {
          const shape = yield* QueryPlans.use((plans) => plans.explain(statement, 0))
          yield* QueryStatistics.use((statistics) => statistics.planned(id, shape))
        }))
      await plan("select t.id from t cross join generate_series(1, 2) n")
      expect((await one()).plan?.previous).toBeNull()
      await plan("select id from t")
      const { plan: plans } = await one()
      expect(plans?.latest.nodes).toMatchObject([{ depth: 0, type: "Seq Scan", relation: "t" }])
      expect(plans?.latest.nodeCount).toBe(1)
      expect(plans?.previous?.shape).not.toBe(plans?.latest.shape)
      expect(plans?.previous?.nodes.map(({ depth }) => depth)).toEqual(expect.arrayContaining([0, 1]))
    }))

  it("does not know every id", () =>
    onUrl(deadUrl, async ({ response }) => {
      for (const id of ["0123456789abcdef", "other%00", encodeURIComponent("' or 1=1")]) {
        expect((await problemOf(await response(`/api/db/queries/${id}`))).status).toBe(404)
      }
      expect((await problemOf(await response(`/api/db/queries/${"x".repeat(65)}`))).detail).toContain("at /id")
    }))
})

describe("GET /api/db/slow-queries", () => {
  it("tells which were slow, the slowest first, and what their parameters looked like", () =>
    onDatabase(async (stage) => {
      const slow = (seconds: number) =>
        labelled({ slowQuery: 0, caller: "job" })(
          Database.use((database) =>
            database.query((db) => db.execute(sql`select ${canary}::text, pg_sleep(${seconds})`))
          )
        )
      await stage.run(slow(0.05))
      await stage.run(slow(0))
      const all = await stage.ask("/api/db/slow-queries", SlowQueries)
      expect(all).toMatchObject({ total: 2, slowQueryMs: 1000, kept: 100, unavailable: null })
      expect(all.items[0]).toMatchObject({
        text: "select ?::text, pg_sleep(?)",
        caller: "job",
        rows: 1,
        error: null,
        parameters: [{ type: "string", length: canary.length }, { type: "number", length: null }],
        parameterCount: 2
      })
      expect(all.items[0]?.durationMs).toBeGreaterThanOrEqual(50)
      expect(JSON.stringify(all)).not.toContain(canary)
      expect((await stage.ask("/api/db/slow-queries?threshold=50", SlowQueries)).total).toBe(1)
      expect((await stage.ask("/api/db/slow-queries?sort=duration", SlowQueries)).items[1]).toEqual(all.items[0])
      for (const threshold of ["-1", "soon", "3600001"]) {
        const problem = await problemOf(await stage.response(`/api/db/slow-queries?threshold=${threshold}`))
        expect([problem.status, problem.detail]).toEqual([422, expect.stringContaining("at /threshold")])
      }
    }))
})
