import { describe, expect } from "vitest"
import { redundantIndexes } from "../../src/catalog/redundantIndexes.ts"
import { situation, type Stage } from "./support.ts"

const found = async ({ rows }: Stage) =>
  (await rows(redundantIndexes)).map(({ keep, keepBecause, kind, name }) =>
    `${name} by ${keep}: ${kind}, ${keepBecause}`
  )

const table = "create table t (id int primary key, a int, b int, c text, d numeric)"

describe("redundant indexes", () => {
  situation("duplicates and prefixes are found, and what stays is said", async (stage) => {
    const { admin, findings } = stage
    await admin(
      table,
      "alter table t add unique (a, b)",
      "create index \"t_\"\"id\" on t (id)",
      "create index t_a on t (a)",
      "create index t_ab on t (a, b)",
      "create index t_c on t (lower(c), a)",
      "create index t_c_first on t (lower(c))",
      "create index t_c_again on t (lower(c), a)"
    )
    expect(await found(stage)).toEqual([
      "t_\"id by t_pkey: duplicate, primary key",
      "t_a by t_a_b_key: prefix, constraint",
      "t_ab by t_a_b_key: duplicate, constraint",
      "t_c_again by t_c: duplicate, older",
      "t_c_first by t_c: prefix, more columns"
    ])
    const checked = await findings("redundant-index")
    expect(checked.map(({ severity }) => severity)).toEqual(["warn", "info", "warn", "warn", "info"])
    expect(checked[0]).toMatchObject({
      object: { kind: "index", name: "public.t_\"id" },
      evidence: { table: "public.t", keep: "public.t_pkey" },
      remediation: "drop index concurrently \"public\".\"t_\"\"id\";"
    })
    for (const { remediation } of checked) await admin(remediation ?? "")
    expect(await findings("redundant-index")).toEqual([])
  })

  situation("those that only look alike are not", async (stage) => {
    await stage.admin(
      table,
      "create index t_c on t (c)",
      "create index t_c_pattern on t (c text_pattern_ops)",
      "create index t_c_collated on t (c collate \"C\")",
      "create index t_a on t (a)",
      "create index t_a_desc on t (a desc)",
      "create index t_a_nulls on t (a nulls first)",
      "create index t_a_some on t (a) where b > 0",
      "create index t_a_others on t (a) where b > 1",
      "create index t_a_hash on t using hash (a)",
      "create index t_a_brin on t using brin (a) with (pages_per_range = 8)",
      "create index t_a_brin_fine on t using brin (a) with (pages_per_range = 4)",
      "create index t_ab_brin on t using brin (a, b) with (pages_per_range = 8)",
      "create index t_ba on t (b, a)",
      "create index t_d_include_a on t (d) include (a)",
      "create index t_d_include_b on t (d) include (b)",
      "create unique index t_ac on t (a, c)",
      "create unique index t_acd on t (a desc, c, d)",
      "create index t_expression on t ((a + 1))",
      "create index t_other_expression on t ((a + 2))"
    )
    expect(await found(stage)).toEqual(["t_a by t_ac: prefix, unique", "t_a_desc by t_acd: prefix, unique"])
  })

  situation("unique ones are covered only by what keeps as much unique", async (stage) => {
    await stage.admin(
      table,
      "create unique index t_a on t (a)",
      "create unique index t_a_nulls on t (a) nulls not distinct",
      "create unique index t_b on t (b)",
      "create unique index t_bc on t (b, c)",
      "alter table t add constraint t_d_later unique (d) deferrable initially deferred",
      "create unique index t_d on t (d)"
    )
    expect(await found(stage)).toEqual(["t_a by t_a_nulls: duplicate, unique"])
  })

  situation("columns of INCLUDE have to be in the other one", async (stage) => {
    await stage.admin(
      table,
      "create index t_a_b on t (a) include (b)",
      "create index t_a_bc on t (a) include (c, b)",
      "create index t_abd on t (a, b, d)",
      "create index t_a_d on t (a) include (d)"
    )
    expect(await found(stage)).toEqual([
      "t_a_b by t_a_bc: duplicate, more columns",
      "t_a_d by t_abd: prefix, more columns"
    ])
  })

  situation("what something else names is not the one to go", async (stage) => {
    const { admin, findings } = stage
    await admin(
      "create table t (id int primary key, a int not null, b int, c int)",
      "create index t_ab on t (a, b)",
      "create index t_a on t (a)",
      "alter table t cluster on t_a",
      "create unique index t_b on t (b)",
      "create unique index t_b_named on t (b)",
      "create table child (t_b int references t (b))",
      "create unique index t_c on t (a, c)",
      "alter table t alter c set not null",
      "create unique index t_c_identity on t (a, c)",
      "alter table t replica identity using index t_c_identity",
      "create table p (id int, v int) partition by range (id)",
      "create table p1 partition of p for values from (0) to (10)",
      "create index p_v on p (v)",
      "create index p_vid on p (v, id)",
      "create index p1_v_own on p1 (v)"
    )
    expect(await found(stage)).toEqual([
      // The whole goes and takes its parts along; a partition's own index is one more of the same.
      "p_v by p_vid: prefix, more columns",
      "p1_v_own by p1_v_idx: duplicate, needed elsewhere",
      "t_b_named by t_b: duplicate, needed elsewhere",
      "t_c by t_c_identity: duplicate, needed elsewhere"
    ])
    for (const { remediation } of await findings("redundant-index")) await admin(remediation ?? "")
    expect(await found(stage)).toEqual([])
  })

  situation("what is left when all go covers each of them", async (stage) => {
    const { admin, rows } = stage
    await admin(
      table,
      "create index one on t (a)",
      "create index two on t (a)",
      "create index three on t (a, b)",
      "create index four on t (a, b, c)"
    )
    expect((await rows(redundantIndexes)).map(({ keep, name }) => [name, keep])).toEqual([
      ["one", "four"],
      ["three", "four"],
      ["two", "four"]
    ])
  })
})
