import { describe, expect } from "vitest"
import { withoutPrimaryKey } from "../../src/catalog/withoutPrimaryKey.ts"
import { situation } from "./support.ts"

describe("tables without a primary key", () => {
  situation("are found, partitioned ones once", async ({ admin, findings, rows }) => {
    await admin(
      "create table keyed (id int primary key)",
      "create table bare (id int)",
      "insert into bare values (1), (1)",
      "analyze bare",
      "create table p (id int) partition by range (id)",
      "create table p1 partition of p for values from (0) to (10)",
      "create table pk (id int primary key) partition by range (id)",
      "create table pk1 partition of pk for values from (0) to (10)",
      "create view v as select 1 as one"
    )
    expect(await rows(withoutPrimaryKey)).toEqual([
      { schema: "public", table: "bare", isPartitioned: false, rows: 2, candidate: null, isRefused: false },
      { schema: "public", table: "p", isPartitioned: true, rows: null, candidate: null, isRefused: false }
    ])
    expect(await findings("no-primary-key")).toMatchObject([
      { severity: "warn", object: { kind: "table", name: "public.bare" }, remediation: null },
      { object: { name: "public.p" } }
    ])
  })

  situation("can have one made of a unique index", async ({ admin, findings }) => {
    await admin(
      "create table t (id int not null, v int, w text not null)",
      "create unique index \"t_\"\"id\" on t (id)",
      // None of these can become one.
      "create table u (a int not null, b int, c text not null, d int not null unique)",
      "create unique index u_nullable on u (a, b)",
      "create unique index u_some on u (a) where b > 0",
      "create unique index u_expression on u ((a + 1))",
      "create unique index u_descending on u (a desc)",
      "create unique index u_class on u (c text_pattern_ops)",
      "create unique index u_collated on u (c collate \"C\")",
      "create unique index u_nulls on u (a) nulls not distinct"
    )
    const found = await findings("no-primary-key")
    expect(found).toMatchObject([
      {
        object: { name: "public.t" },
        evidence: { candidate: "public.t_\"id" },
        remediation: "alter table \"public\".\"t\" add primary key using index \"t_\"\"id\";"
      },
      { object: { name: "public.u" }, remediation: null }
    ])
    await admin(found[0]?.remediation ?? "")
    expect(await findings("no-primary-key")).toMatchObject([{ object: { name: "public.u" } }])
  })

  situation("are an error where a publication cannot carry their updates", async ({ admin, findings }) => {
    await admin(
      "create table refused (id int)",
      "create table whole (id int)",
      "alter table whole replica identity full",
      "create table unpublished (id int)",
      "create table inserted (id int)",
      "create publication updates for table refused, whole",
      "create publication inserts for table inserted with (publish = 'insert')"
    )
    const found = await findings("no-primary-key")
    expect(Object.fromEntries(found.map(({ object, severity }) => [object.name, severity]))).toEqual({
      "public.inserted": "warn",
      "public.refused": "error",
      "public.unpublished": "warn",
      "public.whole": "warn"
    })
    // On an embedded database the next situation has the same one.
    await admin("drop publication updates", "drop publication inserts")
  })
})
