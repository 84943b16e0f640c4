import { describe, expect } from "vitest"
import { invalidConstraints } from "../../src/catalog/invalidConstraints.ts"
import { situation } from "./support.ts"

describe("constraints that were not validated", () => {
  situation("are found, and validated by what is offered", async ({ admin, findings, rows, server }) => {
    await admin(
      "create table parent (id int primary key)",
      "create table \"T\" (id int, v int, w int)",
      "insert into \"T\" values (1, 1, 1)",
      "alter table \"T\" add constraint \"v > 0\" check (v > 0) not valid",
      "alter table \"T\" add constraint to_parent foreign key (id) references parent not valid",
      "alter table \"T\" add constraint fine check (w > 0)",
      "create domain positive as int",
      "alter domain positive add constraint is_positive check (value > 0) not valid",
      ...server === "15" ? [] : ["alter table \"T\" add constraint w_there not null w not valid"]
    )
    expect(await rows(invalidConstraints)).toMatchObject([
      {
        schema: "public",
        owner: "T",
        ownerKind: "table",
        name: "to_parent",
        kind: "foreign key",
        definition: "FOREIGN KEY (id) REFERENCES parent(id) NOT VALID"
      },
      { owner: "T", name: "v > 0", kind: "check" },
      ...server === "15" ? [] : [{ owner: "T", name: "w_there", kind: "not null" }],
      { owner: "positive", ownerKind: "domain", name: "is_positive" }
    ])
    const found = await findings("not-validated-constraint")
    expect(found[1]).toMatchObject({
      severity: "warn",
      object: { kind: "constraint", name: "public.T.v > 0" },
      remediation: "alter table \"public\".\"T\" validate constraint \"v > 0\";"
    })
    await expect(admin(found[0]?.remediation ?? "")).rejects.toThrow(/foreign ?key/i)
    await admin("insert into parent values (1)")
    for (const { remediation } of found) await admin(remediation ?? "")
    expect(await findings("not-validated-constraint")).toEqual([])
  })

  situation("are named once, at the parent", async ({ admin, findings }) => {
    await admin(
      "create table p (id int, v int) partition by range (id)",
      "create table p1 partition of p for values from (0) to (10)",
      "alter table p add constraint positive check (v > 0) not valid"
    )
    const found = await findings("not-validated-constraint")
    expect(found.map(({ object }) => object.name)).toEqual(["public.p.positive"])
    await admin(found[0]?.remediation ?? "")
    expect(await findings("not-validated-constraint")).toEqual([])
  })

  situation("are not those that are not enforced", async ({ admin, findings }) => {
    await admin(
      "create table t (id int primary key, v int constraint hint check (v > 0) not enforced)",
      "alter table t add constraint self foreign key (v) references t not enforced"
    )
    expect(await findings("not-validated-constraint")).toEqual([])
  }, { oldest: false })
})
