import { describe, expect } from "vitest"
import { indexUsage } from "../../src/catalog/indexUsage.ts"
import { situation } from "./support.ts"

const flush = "select pg_stat_force_next_flush()"

describe("index usage", () => {
  situation("counts scans and what writes cost", async ({ admin, rows, server }) => {
    await admin(
      "create table t (id int primary key, v int)",
      "create index t_v on t (v)",
      "insert into t select n, n from generate_series(1, 1000) n",
      "update t set v = -1 where id = 1",
      "vacuum analyze t",
      "set enable_seqscan = off",
      "set enable_bitmapscan = off",
      // Not a range: to estimate one, the planner looks up the ends of the index, and that counts as a scan too.
      "select * from t where v = 10",
      "reset all",
      flush
    )
    const found = await rows(indexUsage)
    expect(found).toMatchObject([
      { name: "t_pkey", isUnique: true, keep: ["primary key"], writes: 1001 },
      {
        schema: "public",
        table: "t",
        name: "t_v",
        method: "btree",
        definition: "CREATE INDEX t_v ON public.t USING btree (v)",
        scans: 1,
        entriesRead: 1,
        rowsFetched: 1,
        writes: 1001,
        isValid: true,
        isUnique: false,
        isPartitioned: false,
        partOf: null,
        keep: []
      }
    ])
    expect(found[1]?.bytes).toBeGreaterThan(0)
    if (server === "15") expect(found[1]?.lastScan).toBeNull()
    else expect(Date.parse(found[1]?.lastScan ?? "")).toBeGreaterThan(0)
  })

  situation("says why one must stay", async ({ admin, rows }) => {
    await admin(
      "create table parent (a int, b int, x int, primary key (a, b), unique (x))",
      "create unique index parent_b on parent (b)",
      "create table child (a int, b int, p_b int references parent (b), r int4range, e text, c int not null, n int," +
        " foreign key (a, b) references parent, exclude using gist (r with &&))",
      "create index child_ba on child (b, a, n)",
      "create index child_b_only on child (b) include (a)",
      "create index child_pb on child (p_b) where p_b is not null",
      "create index child_pb_some on child (p_b) where n is not null",
      "create index child_lower on child (lower(e))",
      "create index child_cluster on child (n)",
      "alter table child cluster on child_cluster",
      "create unique index child_identity on child (c)",
      "alter table child replica identity using index child_identity",
      "create table p (id int, v int) partition by range (id)",
      "create table p1 partition of p for values from (0) to (10)",
      "create index p_v on p (v)",
      "create index p1_own on p1 (v, id)"
    )
    const keep = Object.fromEntries((await rows(indexUsage)).map((row) => [row.name, row.keep]))
    expect(keep).toEqual({
      parent_pkey: ["primary key", "referenced"],
      parent_x_key: ["constraint"],
      parent_b: ["unique", "referenced"],
      child_r_excl: ["constraint"],
      child_ba: ["foreign key"],
      child_b_only: [],
      child_pb: ["foreign key"],
      child_pb_some: [],
      child_lower: ["expression statistics"],
      child_cluster: ["cluster"],
      child_identity: ["unique", "replica identity"],
      p_v: [],
      p1_v_idx: ["partition"],
      p1_own: []
    })
  })

  situation("sums up what a partitioned index has in its parts", async ({ admin, rows }) => {
    await admin(
      "create table p (id int, v int) partition by range (id)",
      "create table p1 partition of p for values from (0) to (1000)",
      "create table p2 partition of p for values from (1000) to (2000) partition by range (id)",
      "create table p21 partition of p2 for values from (1000) to (2000)",
      "create index p_v on p (v)",
      "insert into p select n, n from generate_series(0, 1999) n",
      "analyze p",
      "set enable_seqscan = off",
      "select * from p where v = 5",
      "reset all",
      flush
    )
    const found = new Map((await rows(indexUsage)).map((row) => [row.name, row]))
    const parts = [found.get("p1_v_idx"), found.get("p21_v_idx")]
    expect(found.get("p_v")).toMatchObject({ isPartitioned: true, partOf: null, scans: 2, writes: 2000 })
    expect(found.get("p2_v_idx")).toMatchObject({ isPartitioned: true, partOf: "public.p_v", scans: 1, writes: 1000 })
    expect(found.get("p21_v_idx")).toMatchObject({ isPartitioned: false, partOf: "public.p2_v_idx" })
    expect(found.get("p_v")?.bytes).toBe(parts.reduce((sum, part) => sum + (part?.bytes ?? 0), 0))
  })
})
