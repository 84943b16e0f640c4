import { describe, expect } from "vitest"
import { transactionIdHeadroom } from "../../src/catalog/transactionIdHeadroom.ts"
import { situation } from "./support.ts"

/** Makes a table look as if its oldest row were that many transactions old. */
const age = (table: string, transactions: number): string =>
  "update pg_class set relfrozenxid = mod((pg_current_xact_id()::text)::numeric + 4294967296 - "
  + `${transactions}, 4294967296)::text::xid where ${table}`

describe("headroom of transaction ids", () => {
  situation("of databases and tables, TOAST under its table's name", async ({ admin, findings, rows }) => {
    await admin("create table t (id int primary key, v text)")
    const before = await rows(transactionIdHeadroom)
    expect(before.find(({ kind, name }) => kind === "database" && name === "template1")).toMatchObject({
      schema: null,
      xidShare: expect.any(Number)
    })
    expect(await findings("transaction-id-wraparound")).toEqual([])
    try {
      await admin(age("oid = (select reltoastrelid from pg_class where oid = 't'::regclass)", 1_200_000_000))
      const row = (await rows(transactionIdHeadroom)).find(({ name }) => name === "t")
      expect(row).toMatchObject({ kind: "table", schema: "public", isToast: true })
      expect(Math.round(row?.xidAge ?? 0)).toBeGreaterThanOrEqual(1_200_000_000)
      expect(row?.xidShare).toBeCloseTo(1_200_000_000 / 2_144_483_648, 6)
      expect(await findings("transaction-id-wraparound")).toMatchObject([{
        severity: "warn",
        object: { kind: "table", name: "public.t" },
        cacheKey: "transaction-id-wraparound:table:public.t:toast",
        remediation: "vacuum (freeze) \"public\".\"t\";"
      }])
      await admin(age("oid = 't'::regclass", 1_800_000_000))
      expect((await findings("transaction-id-wraparound")).map(({ severity }) => severity)).toEqual(["error", "warn"])
    } finally {
      await admin("drop table t")
    }
    expect(await findings("transaction-id-wraparound")).toEqual([])
  })
})
