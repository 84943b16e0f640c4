import { connect } from "@ems/db-testing"
import { describe, expect } from "vitest"
import { databaseSize, sizes } from "../../src/catalog/sizes.ts"
import { situation } from "./support.ts"

describe("sizes", () => {
  situation("are what Postgres says, with long values and indexes apart", async ({ admin, rows }) => {
    await admin(
      "create table t (id int primary key, v text)",
      "alter table t alter v set storage external",
      "insert into t select n, repeat('x', 5000) from generate_series(1, 50) n",
      "create table fresh (id int)",
      "analyze t"
    )
    const found = await rows(sizes)
    const [oracle] = await rows<{ total: number; toast: number; indexes: number }>({
      name: "oracle",
      sql: () =>
        `select pg_total_relation_size('t')::float8 as total, pg_indexes_size('t')::float8 as indexes,
          (select pg_total_relation_size(reltoastrelid) from pg_class where oid = 't'::regclass)::float8 as toast`
    })
    expect(found).toMatchObject([
      {
        schema: "public",
        table: "t",
        kind: "table",
        partitionOf: null,
        indexBytes: oracle?.indexes,
        toastBytes: oracle?.toast,
        totalBytes: oracle?.total,
        rows: 50
      },
      { table: "fresh", totalBytes: 0, rows: null }
    ])
    expect(found[0]?.toastBytes).toBeGreaterThan(250_000)
    expect(found[0]?.heapBytes).toBe(Number(oracle?.total) - Number(oracle?.toast) - Number(oracle?.indexes))
  })

  situation("of a partitioned table are those of its partitions", async ({ admin, rows }) => {
    await admin(
      "create table p (id int primary key) partition by range (id)",
      "create table p1 partition of p for values from (0) to (1000)",
      "create table p2 partition of p for values from (1000) to (2000) partition by range (id)",
      "create table p21 partition of p2 for values from (1000) to (2000)",
      "insert into p select n from generate_series(0, 1999) n",
      "create materialized view m as select 1 as one",
      "analyze p1, p21"
    )
    const found = new Map((await rows(sizes)).map((row) => [row.table, row]))
    const [p, p1, p2, p21] = ["p", "p1", "p2", "p21"].map((name) => found.get(name))
    expect(p).toMatchObject({ kind: "partitioned table", partitionOf: null, rows: 2000 })
    expect(p2).toMatchObject({ kind: "partitioned table", partitionOf: "public.p", rows: 1000 })
    expect(p21).toMatchObject({ kind: "table", partitionOf: "public.p2" })
    expect(found.get("m")).toMatchObject({ kind: "materialized view" })
    expect(p?.totalBytes).toBe(Number(p1?.totalBytes) + Number(p21?.totalBytes))
    expect(p?.indexBytes).toBeGreaterThan(0)
  })

  situation("do not wait behind a table that is locked", async ({ admin, rows, url }) => {
    await admin("create table t (id int primary key)", "insert into t values (1)", "analyze t")
    const other = await connect(url)
    try {
      await other.query("begin; lock table t in access exclusive mode")
      expect(await rows(sizes)).toMatchObject([{ table: "t", heapBytes: 8192, indexBytes: 16_384 }])
    } finally {
      await other.end()
    }
  }, { embedded: false })

  situation("of the database are there", async ({ rows }) => {
    const [found] = await rows(databaseSize)
    expect(found?.bytes).toBeGreaterThan(5_000_000)
  })
})
