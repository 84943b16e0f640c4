import { describe, expect } from "vitest"
import { indexBloat } from "../../src/catalog/indexBloat.ts"
import { indexBloatConfirmed } from "../../src/catalog/indexBloatConfirmed.ts"
import { situation } from "./support.ts"

const anySize = { "index-bloat.bytes": 0 }

/** Keys in an order that is as good as random, the same each time; entries of several kinds. */
const mixed = [
  "create table t (k int8 primary key, n numeric, few int, word text, maybe int)",
  "insert into t select g * 7919::int8 % 1000003, g * 1.5, g % 20, md5(g::text), case when g % 2 = 0 then g end" +
  " from generate_series(1, 20000) g",
  "create index t_n on t (n)",
  "create index t_few on t (few)",
  "create index t_word on t (word)",
  "create index t_lower on t (upper(word))",
  "create index t_maybe on t (maybe)",
  "create index t_two on t (few, n)",
  "create index t_covering on t (few) include (word)",
  "create index t_full on t (n) with (fillfactor = 60)"
]

describe("index bloat", () => {
  situation("is estimated where entries went, and a rebuild mends it", async ({ admin, findings, rows }) => {
    await admin(...mixed, "delete from t where k % 4 > 0", "vacuum analyze t")
    const found = await rows(indexBloat)
    expect(found.length).toBe(9)
    for (const { name, statistics, wastedShare } of found) {
      expect({ name, statistics, near: Math.abs(Number(wastedShare) - 0.74) < 0.12 })
        .toEqual({ name, statistics: "complete", near: true })
    }
    const findingsNow = await findings("index-bloat", anySize)
    expect(findingsNow.length).toBe(9)
    expect(findingsNow.find(({ object }) => object.name === "public.t_few")).toMatchObject({
      severity: "warn",
      evidence: { table: "public.t", isMeasured: false, fillFactor: 90 },
      remediation: "reindex index concurrently \"public\".\"t_few\";"
    })
    expect(await findings("index-bloat")).toEqual([])
    for (const { remediation } of findingsNow) await admin(remediation ?? "")
    expect(await findings("index-bloat", anySize)).toEqual([])
  })

  situation("is not seen in indexes that were just built, or grew", async ({ admin, findings, rows }) => {
    await admin(...mixed, "vacuum analyze t")
    expect(await findings("index-bloat", anySize)).toEqual([])
    for (const { bytes, expectedBytes, name, wastedShare } of await rows(indexBloat)) {
      // The key grew entry by entry, in no order.
      const most = name === "t_pkey" ? 0.4 : 0.12
      expect({ name, ok: Number(wastedShare) < most && Number(expectedBytes) / bytes < 1.2 }).toEqual({
        name,
        ok: true
      })
    }
  })

  situation("is not known without statistics", async ({ admin, rows }) => {
    await admin(
      "create table fresh (v text, n name)",
      "insert into fresh select g, 'n' from generate_series(1, 1000) g",
      "create index fresh_v on fresh (v)",
      "create index fresh_n on fresh (n)"
    )
    expect(await rows(indexBloat)).toMatchObject([{ statistics: "missing" }, { statistics: "missing" }])
    await admin("analyze fresh")
    expect(await rows(indexBloat)).toMatchObject([
      { name: "fresh_v", statistics: "complete" },
      { name: "fresh_n", statistics: "missing", wastedShare: null }
    ])
  })

  situation("is measured where pgstattuple is, and the estimate is near", async ({ admin, rows, unavailable }) => {
    expect(await unavailable(indexBloatConfirmed)).toBe("extension")
    await admin("create extension pgstattuple", ...mixed, "delete from t where k % 10 > 3", "vacuum analyze t")
    const found = await rows(indexBloatConfirmed)
    expect(found.length).toBe(9)
    for (const { estimatedShare, leafDensity, name, wastedShare } of found) {
      expect(leafDensity).toBeLessThan(50)
      expect({ name, near: Math.abs(wastedShare - Number(estimatedShare)) < 0.12 }).toEqual({ name, near: true })
    }
  }, { embedded: false })
})
