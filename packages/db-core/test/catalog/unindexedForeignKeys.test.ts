import { describe, expect } from "vitest"
import { unindexedForeignKeys } from "../../src/catalog/unindexedForeignKeys.ts"
import { situation } from "./support.ts"

const parent = "create table parent (id int8 primary key, a int, b int, unique (a, b))"
const flush = "select pg_stat_force_next_flush()"

describe("unindexed foreign keys", () => {
  situation("are found, and the index that mends them is made", async ({ admin, findings, rows }) => {
    await admin(
      parent,
      "create table \"Child\" (id int primary key, p int8 references parent, a int, b int," +
        " foreign key (a, b) references parent (a, b))",
      // Its name is taken.
      "create table \"Child_p_idx\" (id int)"
    )
    expect(await rows(unindexedForeignKeys)).toMatchObject([
      { table: "Child", constraint: "Child_a_b_fkey", columns: ["a", "b"], references: "public.parent", rows: 0 },
      { constraint: "Child_p_fkey", columns: ["p"], isAnalyzed: false, indexName: "Child_p_idx1" }
    ])
    const found = await findings("unindexed-foreign-key")
    expect(found).toMatchObject([
      { severity: "info", object: { kind: "constraint", name: "public.Child.Child_a_b_fkey" } },
      {
        severity: "info",
        evidence: { columns: "p", rows: null, deletes: 0 },
        remediation: "create index concurrently \"Child_p_idx1\" on \"public\".\"Child\" (\"p\");"
      }
    ])
    for (const { remediation } of found) await admin(remediation ?? "")
    expect(await findings("unindexed-foreign-key")).toEqual([])
  })

  situation("matter when many rows are read for deletes that happen", async ({ admin, findings }) => {
    await admin(
      parent,
      "create table child (p int8 references parent)",
      "insert into parent select n, n, n from generate_series(1, 20) n",
      "insert into child select 1 from generate_series(1, 10000) n",
      "analyze child"
    )
    expect(await findings("unindexed-foreign-key")).toMatchObject([{ severity: "info" }])
    await admin("delete from parent where id = 20", flush)
    expect(await findings("unindexed-foreign-key")).toMatchObject([{
      severity: "warn",
      evidence: { rows: 10_000, deletes: 1 }
    }])
  })

  situation("any index that finds the rows will do", async ({ admin, rows }) => {
    await admin(
      parent,
      "create table swapped (a int, b int, c int, foreign key (a, b) references parent (a, b))",
      "create index on swapped (b, a, c)",
      "create table partial (p int references parent)",
      "create index on partial (p) where p is not null",
      "create table partials (a int, \"b AND\" int, foreign key (a, \"b AND\") references parent (a, b))",
      "create index on partials (\"b AND\", a) where a is not null and \"b AND\" is not null",
      "create table hashed (p int8 references parent)",
      "create index on hashed using hash (p)",
      "create table named (id text primary key)",
      "create table pattern (n text references named)",
      "create index on pattern (n text_pattern_ops)",
      "create table self (id int primary key, up int references self)",
      "create index on self (up)"
    )
    expect(await rows(unindexedForeignKeys)).toEqual([])
  })

  situation("no index that misses some of them will", async ({ admin, rows }) => {
    await admin(
      parent,
      "create table behind (p int8 references parent, x int)",
      "create index on behind (x, p)",
      "create table included (a int, b int, foreign key (a, b) references parent (a, b))",
      "create index on included (a) include (b)",
      "create table ranges (p int8 references parent)",
      "create index on ranges using brin (p)",
      "create table sometimes (p int8 references parent, x int)",
      "create index on sometimes (p) where x is not null",
      "create table computed (p int8 references parent)",
      "create index on computed ((p + 0))",
      "create table twice (p int8 references parent, constraint again foreign key (p) references parent)"
    )
    expect((await rows(unindexedForeignKeys)).map(({ table }) => table)).toEqual(
      ["behind", "computed", "included", "ranges", "sometimes", "twice"]
    )
  })

  situation("nor does any where the types differ, and none is offered", async ({ admin, findings }) => {
    await admin(
      "create table numbered (id numeric primary key)",
      "create table named (id text primary key)",
      "create domain number as int8",
      "create type color as enum ('red')",
      "create table colors (id color primary key, wide int8 unique)",
      "create table child (n int references numbered, s varchar(9) references named, d number references colors (wide)," +
        " c color references colors, i int2 references colors (wide))",
      "create index child_n on child (n)"
    )
    const found = await findings("unindexed-foreign-key")
    expect(Object.fromEntries(found.map(({ evidence, remediation }) => [evidence["columns"], remediation !== null])))
      .toEqual({ c: true, d: true, i: true, n: false, s: true })
    for (const { remediation } of found) if (remediation !== null) await admin(remediation)
    expect(await findings("unindexed-foreign-key")).toMatchObject([{ evidence: { columns: "n", isConverted: true } }])
    await admin("drop table child, numbered, colors", "drop domain number", "drop type color")
  })

  situation("of a partitioned table each partition has to have it", async ({ admin, findings, rows }) => {
    await admin(
      "create table parent (id int primary key) partition by range (id)",
      "create table parent1 partition of parent for values from (0) to (10)",
      "create table done (p int references parent, d int) partition by range (d)",
      "create table done1 partition of done for values from (0) to (10)",
      "create index on done1 (p)",
      "create table undone (p int references parent, d int) partition by range (d)",
      "create table undone1 partition of undone for values from (0) to (10)",
      "create table undone2 partition of undone for values from (10) to (20)",
      "create index on undone1 (p)",
      "insert into parent values (1)",
      "delete from parent where id = 1",
      flush
    )
    expect(await rows(unindexedForeignKeys)).toMatchObject([{
      table: "undone",
      references: "public.parent",
      isPartitioned: true,
      deletes: 1
    }])
    const [found] = await findings("unindexed-foreign-key")
    expect(found?.remediation).toBe("create index \"undone_p_idx\" on \"public\".\"undone\" (\"p\");")
    await admin(found?.remediation ?? "")
    expect(await rows(unindexedForeignKeys)).toEqual([])
  })

  situation("names of indexes are free and fit, whatever the table is called", async ({ admin, findings, rows }) => {
    const long = "ä".repeat(30)
    await admin(
      parent,
      `create table "${long}" (p int8 references parent, q int8 references parent)`
    )
    const names = (await rows(unindexedForeignKeys)).map(({ indexName }) => indexName)
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63)
    for (const { remediation } of await findings("unindexed-foreign-key")) await admin(remediation ?? "")
    expect(await rows(unindexedForeignKeys)).toEqual([])
  })
})
