import { connect } from "@ems/db-testing"
import { describe, expect } from "vitest"
import { Catalog } from "../../src/catalog/Catalog.ts"
import { tableBloat } from "../../src/catalog/tableBloat.ts"
import { tableBloatConfirmed } from "../../src/catalog/tableBloatConfirmed.ts"
import { situation } from "./support.ts"

/** Of any size; the share stays as it is. */
const anySize = { "table-bloat.bytes": 0 }

describe("table bloat", () => {
  situation("is estimated where half of the rows went", async ({ admin, findings, rows }) => {
    await admin(
      "create table half (id int primary key, v text, n numeric)",
      "insert into half select g, repeat('x', 20 + g % 50), g * 1.5 from generate_series(1, 20000) g",
      "delete from half where id % 2 = 0",
      "vacuum analyze half"
    )
    const [half] = await rows(tableBloat)
    expect(half).toMatchObject({
      schema: "public",
      table: "half",
      rows: 10_000,
      fillFactor: 100,
      statistics: "complete"
    })
    expect(half?.wastedShare).toBeGreaterThan(0.45)
    expect(half?.wastedShare).toBeLessThan(0.55)
    const found = await findings("table-bloat", anySize)
    expect(found).toMatchObject([{
      severity: "info",
      object: { kind: "table", name: "public.half" },
      evidence: { isMeasured: false, rows: 10_000 },
      remediation: "vacuum (full, analyze) \"public\".\"half\";"
    }])
    expect(await findings("table-bloat", { ...anySize, "table-bloat.warnBytes": 1 })).toMatchObject([{
      severity: "warn"
    }])
    expect(await findings("table-bloat")).toEqual([])
    await admin(found[0]?.remediation ?? "")
    expect(await findings("table-bloat", anySize)).toEqual([])
    expect((await rows(tableBloat))[0]?.wastedShare).toBeLessThan(0.03)
  })

  situation("is not seen in tables that are only laid out unfavourably", async ({ admin, findings, rows, server }) => {
    await admin(
      "create table wide (id int, v text)",
      "alter table wide alter v set storage plain",
      "insert into wide select g, repeat('x', 3000) from generate_series(1, 400) g",
      "create table filled (id int, v text) with (fillfactor = 70)",
      "insert into filled select g, md5(g::text) from generate_series(1, 10000) g",
      "create table nulls (a int, b int, c int, d text, e text, f int8, g int, h int, i int, j int)",
      "insert into nulls (a, d, f) select g, case when g % 3 = 0 then 'hello' end, case when g % 2 = 0 then g end" +
        " from generate_series(1, 10000) g",
      "create table padded (a bool, b int8, c bool, d int8, e bool, f timestamptz)",
      "insert into padded select true, g, false, g, true, now() from generate_series(1, 10000) g",
      "create table numerics (a numeric(12, 2), b bool, c numeric, d int8, e smallint, f numeric)",
      "insert into numerics select g / 100.0, true, g, g, 1, g * 1.001 from generate_series(1, 10000) g",
      "create table mixed (a text, b int8, c varchar(3), d timestamptz, e jsonb, f uuid, g text[])",
      "insert into mixed select repeat('y', g % 300), g, 'abc', now(), jsonb_build_object('k', g), gen_random_uuid()," +
        " array['a', 'b'] from generate_series(1, 10000) g",
      "create table toasted (id int, v text)",
      "alter table toasted alter v set storage external",
      "insert into toasted select g, repeat('x', 5000) from generate_series(1, 500) g",
      "create table dropped (a int, b text, c int8)",
      "alter table dropped drop b",
      "insert into dropped select g, g from generate_series(1, 10000) g",
      ...server === "15" ? [] : server === "18"
        ? [
          "create table computed (a int, b text generated always as (repeat('x', 500)) virtual, c int8)",
          "insert into computed (a, c) select g, g from generate_series(1, 10000) g"
        ]
        : [],
      "vacuum analyze"
    )
    expect(await findings("table-bloat", anySize)).toEqual([])
    const found = await rows(tableBloat)
    expect(found.length).toBeGreaterThanOrEqual(8)
    for (const { bytes, expectedBytes, statistics, table, wastedShare } of found) {
      expect({ table, statistics }).toEqual({ table, statistics: "complete" })
      expect({ table, wastedShare: Number(wastedShare) < 0.06 }).toEqual({ table, wastedShare: true })
      // Nor would bloat be overlooked because the estimate is far too high.
      expect({ table, tooHigh: Number(expectedBytes) / bytes > 1.12 }).toEqual({ table, tooHigh: false })
    }
  })

  situation("is not known without statistics", async ({ admin, rows }) => {
    await admin(
      "create table fresh (id int, v text)",
      "insert into fresh values (1, 'a')",
      "create table partly (id int, v text)",
      "alter table partly alter v set statistics 0",
      "insert into partly values (1, 'a')",
      "vacuum fresh",
      "vacuum analyze partly"
    )
    expect(await rows(tableBloat)).toMatchObject([
      { table: "fresh", statistics: "missing", expectedBytes: null, wastedBytes: null, wastedShare: null },
      { table: "partly", statistics: "missing", wastedShare: null }
    ])
  })

  situation("is not known to a role that may not read the table, and said so", async ({ admin, run, url }) => {
    await admin("create table t (id int, v text)", "insert into t values (1, 'a')", "vacuum analyze t")
    const server = await run(Catalog.use((catalog) => catalog.server))
    const other = await connect(url)
    try {
      await other.query("set role pg_monitor")
      const { rows } = await other.query(tableBloat.sql(server))
      expect(rows).toMatchObject([{ table: "t", statistics: "not visible", wastedShare: null }])
    } finally {
      await other.end()
    }
    expect(
      tableBloatConfirmed.unavailable?.({
        ...server,
        scansTables: false,
        extensions: new Map([["pgstattuple", { schema: "public", version: "1.5" }]])
      })
    ).toMatchObject({ because: "privilege" })
  }, { embedded: false })

  situation("is measured where pgstattuple is", async ({ admin, rows, unavailable }) => {
    expect(await unavailable(tableBloatConfirmed)).toBe("extension")
    await admin(
      "create schema \"Tools\"",
      "create extension pgstattuple schema \"Tools\"",
      "create table half (id int primary key, v text) with (fillfactor = 90)",
      "insert into half select g, repeat('x', 20 + g % 50) from generate_series(1, 20000) g",
      "delete from half where id % 2 = 0",
      "vacuum analyze half",
      "create table dead (id int, v text)",
      "insert into dead select g, repeat('x', 100) from generate_series(1, 10000) g",
      "analyze dead",
      // Not vacuumed: the rows are dead, and the statistics do not know.
      "delete from dead where id % 10 > 2",
      "create table full_one (id int, v text)",
      "insert into full_one select g, repeat('x', 100) from generate_series(1, 10000) g",
      "vacuum analyze full_one",
      "create table never (id int, v text)",
      "alter table never alter v set statistics 0",
      "insert into never select g, repeat('x', 1500) from generate_series(1, 1000) g",
      "vacuum analyze never"
    )
    const found = new Map((await rows(tableBloatConfirmed)).map((row) => [row.table, row]))
    const half = found.get("half")
    expect(Math.abs(Number(half?.wastedShare) - Number(half?.estimatedShare))).toBeLessThan(0.1)
    expect(half?.freeBytes).toBeGreaterThan(0)
    // Looked full by its statistics, so nobody measured it.
    expect(found.has("dead")).toBe(false)
    expect(found.has("full_one")).toBe(false)
    // Five rows a page, and no sixth fits into what is left.
    expect(found.get("never")).toMatchObject({ estimatedShare: null, deadBytes: 0 })
    expect(found.get("never")?.wastedShare).toBeLessThan(0.05)
    await admin("analyze dead")
    const dead = (await rows(tableBloatConfirmed)).find(({ table }) => table === "dead")
    expect(dead?.deadBytes).toBeGreaterThan(500_000)
    expect(Math.abs(Number(dead?.wastedShare) - Number(dead?.estimatedShare))).toBeLessThan(0.1)
  }, { embedded: false })
})
