import { describe, expect } from "vitest"
import { statementTotals } from "../../src/catalog/statementTotals.ts"
import { situation } from "./support.ts"

describe("statement totals", () => {
  situation("are counted for this database, without values", async ({ admin, rows, server, unavailable }) => {
    expect(await unavailable(statementTotals)).toBe("extension")
    if (server === "embedded") return
    await admin(
      "create schema tools",
      "create extension pg_stat_statements schema tools",
      "create table t (id int primary key, v text)",
      "insert into t select n, 'x' from generate_series(1, 100) n",
      ...Array.from({ length: 3 }, (_, at) => `select v from t where id = ${at}`),
      // Postgres replaces constants, but not in utility statements.
      "comment on table t is 'hunter2'"
    )
    const all = await rows(statementTotals)
    expect(all.find(({ query }) => query === "select v from t where id = ?")).toMatchObject({
      calls: 3,
      rows: 2,
      user: "postgres",
      isTopLevel: true,
      queryId: expect.stringMatching(/^-?\d+$/),
      since: server === "15" ? null : expect.stringMatching(/^20/)
    })
    expect(all.find(({ query }) => query?.startsWith("insert into t"))).toMatchObject({ rows: 100 })
    expect(all.some(({ query }) => query?.startsWith("comment on table"))).toBe(true)
    expect(JSON.stringify(all)).not.toContain("hunter2")
  })

  situation("an old version of the extension has its own columns", async ({ admin, rows }) => {
    // Often: the server keeps so many of all tests together, and forgets what was called least.
    const often = Array.from({ length: 20 }, () => "select 4711")
    await admin("create extension pg_stat_statements version '1.9'", ...often)
    expect((await rows(statementTotals)).some(({ query }) => query === "select ?")).toBe(true)
  }, { embedded: false })
})
