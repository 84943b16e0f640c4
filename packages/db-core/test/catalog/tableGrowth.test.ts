import { describe, expect } from "vitest"
import { databaseGrowth, tableGrowth } from "../../src/catalog/tableGrowth.ts"
import { keep, look, lookAgo, table } from "./Samples.ts"
import { situation, type Stage } from "./support.ts"

const growthOf = async ({ rows }: Pick<Stage, "rows">, name: string) => {
  const found = (await rows(tableGrowth)).find((row) => row.table === name)
  if (found === undefined) throw new Error(`no table ${name}`)
  return found
}
const day = 86_400_000
const fill = (name: string, rows: number) => `insert into ${name} select n, 'x' from generate_series(1, ${rows}) n`

describe("table growth", () => {
  situation("is what came since the first look, by the day, with indexes", async (stage) => {
    await keep(stage)
    await stage.admin(
      "create table t (id int, v text)",
      "create index on t (id)",
      fill("t", 1000),
      "create table idle ()"
    )
    const before = (await growthOf(stage, "t")).totalBytes
    await lookAgo(stage, 48)
    await stage.admin(fill("t", 5000))
    // One in between changes nothing.
    await lookAgo(stage, 1)
    await stage.admin(fill("t", 5000))
    await look(stage)
    const after = await growthOf(stage, "t")
    expect(after).toMatchObject({ samples: 3, unknown: null })
    expect(after.observedMs).toBeGreaterThanOrEqual(2 * day)
    expect(after.observedMs).toBeLessThan(2 * day + 60_000)
    expect(after.totalBytes).toBeGreaterThan(before + 400_000)
    expect(after.bytesPerDay! / ((after.totalBytes - before) / 2)).toBeCloseTo(1, 3)
    expect(await growthOf(stage, "idle")).toMatchObject({ bytesPerDay: 0, unknown: null })
    const [first] = await stage.rows(tableGrowth)
    expect(first?.table).toBe("t")
  })

  situation("knows nothing of one look, of minutes, of none in a week, and where none are kept", async (stage) => {
    await stage.admin("drop table if exists ems_internal.object_sample", "create table t (id int, v text)")
    expect(await growthOf(stage, "t")).toMatchObject({ bytesPerDay: null, samples: 0, unknown: "not-kept" })
    await keep(stage)
    const unknown = async (reason: string, samples: number) =>
      expect(await growthOf(stage, "t")).toMatchObject({
        bytesPerDay: null,
        samples,
        observedMs: 0,
        unknown: reason
      })
    await unknown("too-few-samples", 0)
    await lookAgo(stage, 0.9)
    await unknown("too-few-samples", 1)
    await stage.admin(fill("t", 1000))
    await look(stage)
    await unknown("too-short", 2)
    await stage.admin(`update ${table} set at = at - interval '8 min' where at = (select min(at) from ${table})`)
    expect(await growthOf(stage, "t")).toMatchObject({ bytesPerDay: expect.any(Number), unknown: null })
    await stage.admin(`update ${table} set at = at - interval '7 days'`)
    await unknown("too-few-samples", 0)
  })

  situation("never counts what was rewritten, emptied or indexed meanwhile", async (stage) => {
    await keep(stage)
    const tables = ["emptied", "rewritten", "indexed", "deleted", "same"]
    await stage.admin(...tables.flatMap((name) => [`create table ${name} (id int, v text)`, fill(name, 20_000)]))
    await lookAgo(stage, 24)
    await stage.admin(
      "truncate emptied",
      fill("emptied", 40_000),
      fill("rewritten", 20_000),
      "vacuum full rewritten",
      "create index on indexed (id)",
      "delete from deleted where id > 10",
      "vacuum deleted"
    )
    await look(stage)
    for (const name of ["emptied", "rewritten", "indexed"]) {
      expect(await growthOf(stage, name)).toMatchObject({ bytesPerDay: null, samples: 2, unknown: "began-anew" })
    }
    expect(await growthOf(stage, "deleted")).toMatchObject({ bytesPerDay: null, unknown: "shrank" })
    expect(await growthOf(stage, "same")).toMatchObject({ bytesPerDay: 0, unknown: null })
  })

  situation("adds up what came before and after a rewrite", async (stage) => {
    await keep(stage)
    const bytes = async () => (await growthOf(stage, "t")).totalBytes
    await stage.admin("create table t (id int, v text)", fill("t", 1000))
    const sizes = [await bytes()]
    await lookAgo(stage, 72)
    for (const hours of [48, 24, 0]) {
      await stage.admin(...hours === 24 ? ["truncate t"] : [fill("t", 10_000)])
      sizes.push(await bytes())
      await lookAgo(stage, hours)
    }
    const [a, b, c, d] = sizes
    const found = await growthOf(stage, "t")
    expect(found).toMatchObject({ samples: 4, unknown: null })
    expect(found.observedMs / (2 * day)).toBeCloseTo(1, 3)
    expect(found.bytesPerDay! / ((b! - a! + d! - c!) / 2)).toBeCloseTo(1, 3)
  })

  situation("of a partitioned table has new partitions in it", async (stage) => {
    await keep(stage)
    await stage.admin(
      "create table p (id int, v text) partition by range (id)",
      "create table p1 partition of p for values from (0) to (100000)",
      fill("p", 1000)
    )
    const before = (await growthOf(stage, "p")).totalBytes
    await lookAgo(stage, 24)
    await stage.admin(
      "create table p2 partition of p for values from (100000) to (200000)",
      "insert into p select n, 'x' from generate_series(100000, 120000) n"
    )
    await look(stage)
    const after = await growthOf(stage, "p")
    expect(after.bytesPerDay! / (after.totalBytes - before)).toBeCloseTo(1, 3)
    expect(await growthOf(stage, "p2")).toMatchObject({ bytesPerDay: null, unknown: "too-few-samples" })
  })

  situation("of the database is of all that is in it", async (stage) => {
    await keep(stage)
    const database = async () => (await stage.rows(databaseGrowth))[0]!
    const before = await database()
    expect(before).toMatchObject({ bytesPerDay: null, unknown: "too-few-samples" })
    await lookAgo(stage, 24)
    await stage.admin("create table t (id int, v text)", fill("t", 20_000))
    await look(stage)
    const after = await database()
    expect(after.bytes).toBeGreaterThan(before.bytes + 500_000)
    // Statistics and the samples themselves come to it meanwhile.
    expect(after.bytesPerDay! / (after.bytes - before.bytes)).toBeCloseTo(1, 0)
    await stage.admin(
      `update ${table} set value = value * 2 where kind = 'database' and at = (select min(at) from ${table})`
    )
    expect(await database()).toMatchObject({ bytesPerDay: null, unknown: "shrank" })
  })
})
