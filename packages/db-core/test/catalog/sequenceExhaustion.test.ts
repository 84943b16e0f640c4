import { describe, expect } from "vitest"
import { sequenceExhaustion } from "../../src/catalog/sequenceExhaustion.ts"
import { withSessions } from "./Sessions.ts"
import { situation, type Stage } from "./support.ts"

const of = async ({ rows }: Stage, sequence: string) => {
  const found = (await rows(sequenceExhaustion)).filter((row) => row.sequence === sequence)
  expect(found).toHaveLength(1)
  return found[0]!
}
const int4 = 2_147_483_647

describe("sequence exhaustion", () => {
  situation("a serial column that was made bigint keeps an integer sequence", async (stage) => {
    await stage.admin(
      "create table t (id serial primary key)",
      "alter table t alter column id type bigint",
      `select setval('t_id_seq', ${Math.floor(int4 * 0.95)})`
    )
    expect(await of(stage, "t_id_seq")).toMatchObject({
      table: "t",
      column: "id",
      columnType: "bigint",
      sequenceType: "integer",
      limit: int4,
      limitedBy: "sequence",
      remaining: int4 - Math.floor(int4 * 0.95)
    })
    const found = await stage.findings("sequence-exhaustion")
    expect(found).toMatchObject([{
      severity: "error",
      object: { kind: "sequence", name: "public.t_id_seq" },
      remediation: "alter sequence \"public\".\"t_id_seq\" as bigint;"
    }])
    await stage.admin(found[0]!.remediation ?? "")
    expect(await stage.findings("sequence-exhaustion")).toEqual([])
  })

  situation("identity: the column and its sequence are widened together", async (stage) => {
    await stage.admin(
      "create table t (id int generated always as identity)",
      `select setval('t_id_seq', ${Math.floor(int4 * 0.8)})`
    )
    expect(await of(stage, "t_id_seq")).toMatchObject({ isIdentity: true, limitedBy: "column", limit: int4 })
    const found = await stage.findings("sequence-exhaustion")
    expect(found).toMatchObject([{ severity: "warn" }])
    await stage.admin(...(found[0]!.remediation ?? "").split("\n"))
    expect(await stage.findings("sequence-exhaustion")).toEqual([])
  })

  situation("a column that refers to it ends it, also as part of a longer key", async (stage) => {
    await stage.admin(
      "create table p (id bigserial, k int, primary key (k, id))",
      "create table c (k int, p_id smallint, foreign key (k, p_id) references p)",
      "select setval('p_id_seq', 30000)"
    )
    expect(await of(stage, "p_id_seq")).toMatchObject({
      limit: 32_767,
      limitedBy: "reference",
      reference: "public.c.p_id",
      remaining: 2767
    })
    expect(await stage.findings("sequence-exhaustion")).toMatchObject([{ severity: "error", remediation: null }])
  })

  situation("downwards, by more than one, and from a start of its own", async (stage) => {
    await stage.admin(
      "create sequence down as smallint increment -10",
      "select setval('down', -32001)",
      "create sequence high as smallint start 30000",
      "select setval('high', 31000)",
      "create sequence fresh as smallint"
    )
    expect(await of(stage, "down")).toMatchObject({ increment: -10, limit: -32_768, remaining: 76, table: null })
    expect((await of(stage, "down")).share).toBeCloseTo(0.977, 3)
    expect((await of(stage, "high")).share).toBeCloseTo(1000 / 2767, 5)
    expect(await of(stage, "fresh")).toMatchObject({ share: 0, lastValue: null, remaining: 32_767 })
    // What it says is what can be had.
    const left = (await of(stage, "down")).remaining
    await stage.admin(...Array.from({ length: left }, () => "select nextval('down')"))
    await expect(stage.admin("select nextval('down')")).rejects.toThrow(/minimum|query/i)
  })

  situation("one that cycles repeats itself, unless its column ends first", async (stage) => {
    await stage.admin(
      "create sequence round maxvalue 100 cycle",
      "select setval('round', 95)",
      "create sequence wide cycle",
      "create table t (id smallint default nextval('wide'))",
      "select setval('wide', 32000)"
    )
    expect(await of(stage, "round")).toMatchObject({ isCycle: true })
    expect(await of(stage, "wide")).toMatchObject({ isCycle: false, limitedBy: "column", limit: 32_767, column: "id" })
    const found = await stage.findings("sequence-exhaustion")
    expect(found.map(({ object, severity }) => [object.name, severity])).toEqual([
      ["public.wide", "error"],
      ["public.round", "warn"]
    ])
  })

  situation("one that is being altered is not waited for", async (stage) => {
    await stage.admin("create table t (id serial)", "select nextval('t_id_seq')")
    await withSessions(stage.url, ["A"], async ({ A }) => {
      await A!.run("begin; alter sequence t_id_seq increment 2")
      expect(await of(stage, "t_id_seq")).toMatchObject({ lastValue: null, share: 0 })
    })
    expect((await of(stage, "t_id_seq")).lastValue).toBe(1)
  }, { embedded: false })

  situation("one with room is none", async (stage) => {
    await stage.admin("create table t (id bigserial primary key)", "select setval('t_id_seq', 4711)")
    expect((await of(stage, "t_id_seq")).share).toBeLessThan(0.001)
    expect(await stage.findings("sequence-exhaustion")).toEqual([])
  })
})
