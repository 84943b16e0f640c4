import { describe, expect, it } from "vitest"
import { type CacheHitRatio, cacheHitRatioCheck, cacheHitRatios } from "../../src/catalog/cacheHitRatios.ts"
import type { ServerFacts } from "../../src/catalog/ServerFacts.ts"
import { situation } from "./support.ts"

const flush = "select pg_stat_force_next_flush()"
const neon = new Map([["neon", { schema: "public", version: "1.6" }]])

describe("cache hit ratios", () => {
  situation("are there for what was read, and null for what was not", async ({ admin, rows }) => {
    await admin(
      "create table t (id int primary key, v text)",
      "insert into t select g, g from generate_series(1, 1000) g",
      "select count(*) from t",
      "create table unread (id int primary key)",
      flush
    )
    const found = await rows(cacheHitRatios)
    const [database] = found
    expect(database?.kind).toBe("database")
    expect(database?.ratio).toBe(Number(database?.hits) / (Number(database?.hits) + Number(database?.reads)))
    const [t, index] = ["public.t", "public.t_pkey"].map((name) => found.find((row) => row.name === name))
    expect(t).toMatchObject({ kind: "table" })
    expect(t?.hits).toBeGreaterThan(1000)
    expect(t?.ratio).toBeGreaterThan(0.5)
    expect(index).toMatchObject({ kind: "index" })
    expect(index?.hits).toBeGreaterThan(1000)
    expect(found.find(({ name }) => name === "public.unread")).toMatchObject({ hits: 0, reads: 0, ratio: null })
  })

  situation("are a finding only when they are low and mean something", async ({ admin, findings }) => {
    await admin("create table t (id int)", "insert into t values (1)", flush)
    const always = { "cache-hit-ratio.ratio": 1.1, "cache-hit-ratio.blocks": 1 }
    expect(await findings("cache-hit-ratio", always)).toMatchObject([{
      severity: "warn",
      object: { kind: "database" },
      evidence: { cache: "shared_buffers" },
      remediation: null
    }])
    expect(await findings("cache-hit-ratio", { ...always, "cache-hit-ratio.blocks": 1e12 })).toEqual([])
    expect(await findings("cache-hit-ratio", { ...always, "cache-hit-ratio.ratio": 0 })).toEqual([])
  })

  situation("on Neon tell of the file cache", async ({ admin, rows }) => {
    await admin(
      "create view neon_stat_file_cache as select 10::int8 as file_cache_misses, 990::int8 as file_cache_hits"
    )
    const found = await rows({
      ...cacheHitRatios,
      sql: (server) => cacheHitRatios.sql({ ...server, isNeon: true, extensions: neon })
    })
    expect(found[1]).toMatchObject({ kind: "file cache", hits: 990, reads: 10, ratio: 0.99 })
  })

  it("of shared_buffers are no finding on Neon, those of the file cache are", () => {
    const server = { isNeon: true, extensions: neon as ServerFacts["extensions"] } as ServerFacts
    const row = (kind: CacheHitRatio["kind"]): CacheHitRatio => ({ kind, name: "d", hits: 9e8, reads: 1e8, ratio: 0.9 })
    const judged = (facts: ServerFacts) =>
      cacheHitRatioCheck.findings([row("database"), row("file cache"), row("table")], facts, {})
        .map(({ evidence }) => evidence["cache"])
    expect(judged(server)).toEqual(["file cache"])
    expect(judged({ ...server, isNeon: false })).toEqual(["shared_buffers"])
    expect(cacheHitRatios.notes?.(server)[0]).toMatch(/not the whole cache/)
    expect(cacheHitRatios.notes?.({ ...server, extensions: new Map() })[1]).toMatch(/create extension neon/)
  })
})
