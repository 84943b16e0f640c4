import * as ObjectSamples from "@ems/db-core/catalog/ObjectSamples"
import * as Store from "@ems/db-core/migration/ObjectSamples"
import { Indexes } from "@ems/schema/contract/Indexes"
import { Metrics } from "@ems/schema/contract/Metrics"
import { Sequences } from "@ems/schema/contract/Sequences"
import { Space } from "@ems/schema/contract/Space"
import { Tables } from "@ems/schema/contract/Tables"
import { Vacuum } from "@ems/schema/contract/Vacuum"
import { describe, expect, it } from "vitest"
import { onDatabase, type Stage, withSessions } from "./support.ts"

const flush = "select pg_stat_force_next_flush()"
const fill = (table: string, rows: number) => `insert into ${table} select n, n from generate_series(1, ${rows}) n`

/** Looks at tables, sequences and ids now, and says that it was so many hours ago. */
const lookAgo = async ({ admin, run }: Stage, hours: number) => {
  expect(await run(ObjectSamples.sample({ intervalMs: 0 }))).toMatchObject({ _tag: "Sampled" })
  const store = "ems_internal.object_sample"
  await admin(`update ${store} set at = at - interval '${hours} hours' where at = (select max(at) from ${store})`)
}

describe("GET /api/db/space", () => {
  it("tells what is large, what grows, and what a rewrite would gain", () =>
    onDatabase(async (stage) => {
      const unknown = await stage.ask("/api/db/space", Space)
      expect(unknown).toMatchObject({ items: [], unavailable: null, database: { unknown: "not-kept" } })
      expect(unknown.notes.join()).toMatch(/no samples are kept/)

      await stage.run(Store.install)
      await stage.admin(
        "create table grown (id int, v int) with (autovacuum_enabled = off)",
        "create index grown_v on grown (v)",
        "create table bloated (id int, v int) with (autovacuum_enabled = off)",
        fill("bloated", 20_000)
      )
      await lookAgo(stage, 24)
      await stage.admin(fill("grown", 20_000), "delete from bloated where id % 20 <> 0", "vacuum analyze bloated")
      await lookAgo(stage, 0)
      const { database, items, unavailableParts } = await stage.ask("/api/db/space", Space)
      expect(unavailableParts).toEqual([])
      expect(database?.bytes).toBeGreaterThan(1_000_000)
      const [grown, bloated] = ["grown", "bloated"].map((name) => items.find(({ table }) => table === name))
      expect(grown).toMatchObject({ kind: "table", partitionOf: null, toastBytes: 0, unknown: null })
      expect(grown?.totalBytes).toBe((grown?.heapBytes ?? 0) + (grown?.indexBytes ?? 0))
      expect((grown?.bytesPerDay ?? 0) / (grown?.totalBytes ?? 1)).toBeGreaterThan(0.9)
      expect(bloated?.bloat).toMatchObject({ statistics: "complete" })
      expect(bloated?.bloat?.wastedShare).toBeGreaterThan(0.8)
      const first = async (sort: string) =>
        (await stage.ask(`/api/db/space?limit=1&sort=${sort}`, Space)).items[0]?.table
      expect(await first("-growth")).toBe("grown")
      expect(await first("-wasted")).toBe("bloated")
    }))
})

describe("GET /api/db/tables", () => {
  it("tells how large they are and what happens to them", () =>
    onDatabase(async (stage) => {
      await stage.admin(
        "create table t (id int primary key, v int) with (autovacuum_enabled = off)",
        fill("t", 100),
        "update t set v = 0 where id <= 10",
        "delete from t where id > 90",
        "analyze t",
        "create table p (id int) partition by range (id)",
        flush
      )
      const { items, unavailableParts } = await stage.ask("/api/db/tables", Tables)
      expect(unavailableParts).toEqual([])
      expect(items.find(({ table }) => table === "t")).toMatchObject({
        rows: 90,
        activity: { inserts: 100, updates: 10, deletes: 10, deadRows: 20, analyzes: 1, isLastAnalyzeAutomatic: false }
      })
      expect(items.find(({ table }) => table === "p")).toMatchObject({ kind: "partitioned table", activity: null })
      expect((await stage.ask("/api/db/tables?sort=-inserts&limit=1", Tables)).items).toMatchObject([{ table: "t" }])
      expect((await stage.ask("/api/db/tables?sort=inserts&limit=1", Tables)).items).toMatchObject([{ table: "p" }])
    }))
})

describe("GET /api/db/indexes", () => {
  it("lists each once, with what speaks against it", () =>
    onDatabase(async (stage) => {
      await stage.admin(
        "create table t (id int primary key, v int, w int) with (autovacuum_enabled = off)",
        "insert into t select n, n, 1 from generate_series(1, 5000) n",
        "create index t_v on t (v)",
        "create index t_v_id on t (v, id)",
        "analyze t"
      )
      await expect(stage.admin("create unique index concurrently t_w on t (w)")).rejects.toThrow(/unique/)
      await stage.admin("set enable_seqscan = off", "select * from t where v = 1 and id = 1", "reset all", flush)
      const { items, total, unavailableParts } = await stage.ask("/api/db/indexes", Indexes)
      expect([total, unavailableParts]).toEqual([4, []])
      const byName = Object.fromEntries(items.map((index) => [index.name, index]))
      expect(Object.keys(byName).toSorted()).toEqual(["t_pkey", "t_v", "t_v_id", "t_w"])
      expect(byName["t_pkey"]).toMatchObject({ keep: ["primary key"], unused: null, redundant: null, invalid: null })
      expect(byName["t_v"]).toMatchObject({ redundant: { kind: "prefix", keep: "t_v_id" }, isValid: true })
      expect(byName["t_w"]).toMatchObject({ isValid: false, invalid: { isLeftover: false, backsConstraint: false } })
      expect(byName["t_v"]?.bloat).toMatchObject({ statistics: "complete" })

      const found = async (finding: string) =>
        (await stage.ask(`/api/db/indexes?finding=${finding}`, Indexes)).items.map(({ name }) => name)
      expect(await found("redundant")).toEqual(["t_v"])
      expect(await found("invalid")).toEqual(["t_w"])
      const unused = await stage.ask("/api/db/indexes?finding=unused", Indexes)
      expect(unused.items.length).toBeGreaterThan(0)
      expect(unused.items.every(({ scans }) => scans === 0)).toBe(true)
      expect(unused.notes.join()).toMatch(/replicas/)
    }))
})

describe("GET /api/db/vacuum", () => {
  it("tells what is due, and who holds it up", () =>
    onDatabase(async (stage) => {
      await stage.admin(
        "create table t (id int primary key, v int) with (autovacuum_vacuum_threshold = 5, autovacuum_vacuum_scale_factor = 0)",
        "create table quiet (id int)",
        fill("t", 1000),
        flush
      )
      await withSessions(stage, async (holder) => {
        await holder.run("begin isolation level repeatable read")
        await holder.run("select * from t limit 1")
        await stage.admin("alter table t set (autovacuum_enabled = off)", "delete from t where id <= 20", flush)
        const due = await stage.ask("/api/db/vacuum?limit=200", Vacuum)
        expect([due.unavailable, due.unavailableParts]).toEqual([null, []])
        expect(due.items.find(({ table }) => table === "t")).toMatchObject({
          state: "overdue",
          isEnabled: false,
          deadRows: 20,
          deadLimit: 5,
          unknown: "not-kept"
        })
        expect(due.horizon).toContainEqual(expect.objectContaining({ kind: "session", name: String(holder.pid) }))
        const database = due.wraparound.find(({ kind, name }) => kind === "database" && name === "postgres")
        expect(database?.xidShare).toBeGreaterThan(0)
        expect(database?.xidShare).toBeLessThan(0.1)
        const overdue = await stage.ask("/api/db/vacuum?state=overdue&sort=-deadRows", Vacuum)
        expect(overdue.items.map(({ table }) => table)).toEqual(["t"])
      })
    }))
})

describe("GET /api/db/sequences", () => {
  it("tells how far they are, and when they run out", () =>
    onDatabase(async (stage) => {
      await stage.run(Store.install)
      await stage.admin("create table t (id smallserial primary key)", "select setval('t_id_seq', 1000)")
      await lookAgo(stage, 48)
      await stage.admin("select setval('t_id_seq', 21000)")
      await lookAgo(stage, 0)
      const { items, total, unavailable } = await stage.ask("/api/db/sequences", Sequences)
      expect([unavailable, total]).toEqual([null, 1])
      expect(items).toMatchObject([{
        sequence: "t_id_seq",
        table: "t",
        column: "id",
        lastValue: 21_000,
        limit: 32_767,
        remaining: 11_767,
        limitedBy: "column",
        unknown: null
      }])
      expect((items[0]?.valuesPerDay ?? 0) / 10_000).toBeCloseTo(1, 3)
      const inDays = (Date.parse(items[0]?.runsOutAt ?? "") - Date.now()) / 86_400_000
      expect(inDays).toBeCloseTo(11_767 / 10_000, 2)
    }))
})

describe("GET /api/db/metrics", () => {
  it("has the cache, the statements of this process and the database in one look", () =>
    onDatabase(async (stage) => {
      await stage.admin(
        "do $$ begin for n in 1..55 loop execute format('create table t_%s (id int primary key)', n); end loop; end $$"
      )
      const { databasePerformance: { counts, ...performance }, queryOptimization } = await stage.ask(
        "/api/db/metrics",
        Metrics
      )
      expect(queryOptimization.cache).toMatchObject({ reads: { hits: 0, misses: 0 }, level2: null })
      expect(queryOptimization.metrics).toMatchObject({ errors: 0, forgotten: 0 })
      expect(performance.database).toMatchObject({ name: new URL(stage.url).pathname.slice(1) })
      expect(performance.database.bytes).toBeGreaterThan(1_000_000)
      expect(performance.unavailableParts).toEqual([])
      // Bounded, and said to be.
      expect(counts).toEqual({ tables: 55, indexes: 55, unusedIndexes: 0 })
      expect([performance.tables.length, performance.indexes.length]).toEqual([50, 50])
    }))
})
