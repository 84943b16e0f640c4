import { describe, expect } from "vitest"
import { invalidIndexes } from "../../src/catalog/invalidIndexes.ts"
import { situation } from "./support.ts"

describe("invalid indexes", () => {
  situation("one whose build failed is found, with what mends it", async ({ admin, findings, rows }) => {
    await admin("create table t (id int primary key, v int)", "insert into t select n, 1 from generate_series(1, 10) n")
    await expect(admin("create unique index concurrently t_v on t (v)")).rejects.toThrow(/unique/i)
    expect(await rows(invalidIndexes)).toMatchObject([{
      schema: "public",
      table: "t",
      name: "t_v",
      isLeftover: false,
      isPartitioned: false,
      backsConstraint: false
    }])
    const found = await findings("invalid-index")
    expect(found).toMatchObject([{
      name: "invalid-index",
      severity: "error",
      object: { kind: "index", name: "public.t_v" },
      remediation: "reindex index concurrently \"public\".\"t_v\";",
      cacheKey: "invalid-index:index:public.t_v"
    }])
    await admin("delete from t where id > 1", found[0]?.remediation ?? "")
    expect(await findings("invalid-index")).toEqual([])
  })

  situation("what a failed rebuild left is dropped, not rebuilt", async ({ admin, findings }) => {
    await admin(
      "create table t (id int primary key, v int)",
      "create unique index t_v on t (v)",
      "insert into t select n, n from generate_series(1, 10) n",
      // The twin is made, and cannot be filled.
      "update pg_index set indisunique = false where indexrelid = 't_v'::regclass",
      "insert into t values (11, 1)",
      "update pg_index set indisunique = true where indexrelid = 't_v'::regclass"
    )
    await expect(admin("reindex index concurrently t_v")).rejects.toThrow(/unique/i)
    const found = await findings("invalid-index")
    expect(found).toMatchObject([{ remediation: "drop index concurrently \"public\".\"t_v_ccnew\";" }])
    await admin(found[0]?.remediation ?? "")
    expect(await findings("invalid-index")).toEqual([])
  }, { embedded: false })

  situation("a partitioned index that lacks a part says so", async ({ admin, findings }) => {
    await admin(
      "create table p (id int, v int) partition by range (id)",
      "create table p1 partition of p for values from (0) to (10)",
      "create index p_v on only p (v)"
    )
    expect(await findings("invalid-index")).toMatchObject([{
      severity: "warn",
      object: { name: "public.p_v" },
      remediation: null
    }])
  })

  situation("a valid one is not", async ({ admin, findings }) => {
    await admin("create table t (id int primary key, v int)", "create index t_v on t (v)")
    expect(await findings("invalid-index")).toEqual([])
  })
})
