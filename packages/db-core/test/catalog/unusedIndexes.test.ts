import { describe, expect, it } from "vitest"
import type { ServerFacts } from "../../src/catalog/ServerFacts.ts"
import { unusedIndexCheck, unusedIndexes } from "../../src/catalog/unusedIndexes.ts"
import { situation } from "./support.ts"

const flush = "select pg_stat_force_next_flush()"

/** Nobody watches for 35 days here. */
const atOnce = { "unused-index.days": 0, "unused-index.minimumDays": 0 }

const table = [
  "create table t (id int primary key, v int, w int)",
  "insert into t select n, n, n from generate_series(1, 5000) n"
]

describe("unused indexes", () => {
  situation("one that nobody reads is found with its evidence, and can go", async ({ admin, findings, rows }) => {
    await admin(...table, "create index \"t_\"\"V\" on t (v)", "create index t_w on t (w)", "analyze t")
    await admin("set enable_seqscan = off", "select * from t where w = 1", "reset all", flush)
    expect(await rows(unusedIndexes)).toMatchObject([{
      schema: "public",
      table: "t",
      name: "t_\"V",
      scans: 0,
      lastScan: null,
      writes: 5000,
      isPartitioned: false,
      replicas: 0
    }])
    const found = await findings("unused-index", atOnce)
    expect(found).toMatchObject([{
      severity: "warn",
      object: { kind: "index", name: "public.t_\"V" },
      evidence: { table: "public.t", scans: 0, writes: 5000, isWatchedLongEnough: true, countsReplicas: false },
      remediation: "drop index concurrently \"public\".\"t_\"\"V\";"
    }])
    expect(found[0]?.evidence["bytes"]).toBeGreaterThan(32_768)
    await admin(found[0]?.remediation ?? "")
    expect(await findings("unused-index", atOnce)).toEqual([])
  })

  situation("one that was watched for a short time is no news, or is said to be", async ({ admin, findings }) => {
    await admin(...table, "create index t_v on t (v)", flush)
    expect(await findings("unused-index")).toEqual([])
    const found = await findings("unused-index", { "unused-index.minimumDays": 0 })
    expect(found).toMatchObject([{ severity: "info", evidence: { isWatchedLongEnough: false } }])
    expect(found[0]?.summary).toMatch(/too short a time/)
  })

  situation("a reset begins the time anew", async ({ admin, rows }) => {
    await admin(...table, "create index t_v on t (v)")
    const [before] = await rows(unusedIndexes)
    await admin("select pg_stat_reset()")
    const [after] = await rows(unusedIndexes)
    expect(Date.parse(after?.observedSince ?? "")).toBeGreaterThan(Date.parse(before?.observedSince ?? ""))
    expect(after?.observedDays).toBeLessThan(before?.observedDays ?? 0)
  })

  situation("small ones cost nothing, and needed ones stay", async ({ admin, findings, rows }) => {
    await admin(
      ...table,
      "create unique index t_unique on t (v)",
      "create index t_expression on t ((v + 1))",
      "create table tiny (id int)",
      "create index tiny_id on tiny (id)",
      "create table child (t_id int references t)",
      "create index child_t on child (t_id)",
      "insert into child select n from generate_series(1, 5000) n",
      flush
    )
    expect((await rows(unusedIndexes)).map(({ name }) => name)).toEqual(["tiny_id"])
    expect(await findings("unused-index", atOnce)).toEqual([])
  })

  situation("of a partitioned index the whole is judged", async ({ admin, findings }) => {
    await admin(
      "create table p (id int, v int, w int) partition by range (id)",
      "create table p1 partition of p for values from (0) to (5000)",
      "create table p2 partition of p for values from (5000) to (10000)",
      "create index p_v on p (v)",
      "create index p_w on p (w)",
      "insert into p select n, n, n from generate_series(0, 9999) n",
      "analyze p",
      // One part of `p_w` is read: the other part is not a finding of its own.
      "set enable_seqscan = off",
      "select * from p1 where w = 5",
      "reset all",
      flush
    )
    const found = await findings("unused-index", atOnce)
    expect(found).toMatchObject([{ object: { name: "public.p_v" }, remediation: "drop index \"public\".\"p_v\";" }])
    await admin(found[0]?.remediation ?? "")
    expect(await findings("unused-index", atOnce)).toEqual([])
  })

  it("counts from the last scan where Postgres dates it, and from the start of the compute on Neon", () => {
    const server = { isStandby: false, isNeon: false, version: 180_000 } as ServerFacts
    const row = {
      schema: "public",
      table: "t",
      name: "t_v",
      definition: "",
      bytes: 1e6,
      scans: 12,
      lastScan: "2026-01-01T00:00:00.000Z",
      writes: 1,
      isPartitioned: false,
      observedSince: "2025-01-01T00:00:00.000Z",
      observedDays: 400,
      replicas: 1
    }
    const judged = (unusedDays: number, facts = server) =>
      unusedIndexCheck.findings([{ ...row, unusedDays }], facts, {})
    expect(judged(36)).toMatchObject([{ severity: "warn", evidence: { replicas: 1 } }])
    expect(judged(36)[0]?.impact).toMatch(/other servers/)
    expect(judged(20)).toMatchObject([{ severity: "info" }])
    expect(judged(6)).toEqual([])
    expect(unusedIndexes.sql(server)).not.toContain("pg_postmaster_start_time")
    expect(unusedIndexes.sql({ ...server, isNeon: true })).toContain("pg_postmaster_start_time")
    expect(unusedIndexes.notes?.({ ...server, isStandby: true })[0]).toMatch(/primary/)
  })

  situation("on Neon counts begin with the compute, unless they are kept", async ({ admin, rows }) => {
    await admin(...table, "create index t_v on t (v)", flush)
    const neon = { ...unusedIndexes, sql: (server: ServerFacts) => unusedIndexes.sql({ ...server, isNeon: true }) }
    const [forgets] = await rows(neon)
    const [start] = await rows<{ days: number }>({
      name: "start",
      sql: () => "select (extract(epoch from now() - pg_postmaster_start_time()) / 86400)::float8 as days"
    })
    expect(forgets?.observedDays).toBeLessThanOrEqual(start?.days ?? 0)
  })
})
