import { describe, expect } from "vitest"
import { monitoringExtensions } from "../../src/catalog/monitoringExtensions.ts"
import { situation } from "./support.ts"

describe("extensions for reports", () => {
  situation("loaded, and installed or not", async ({ admin, rows, server }) => {
    const before = await rows(monitoringExtensions)
    expect(before.map(({ name }) => name)).toEqual(["pg_stat_statements", "pgstattuple"])
    expect(before[0]).toMatchObject({ installed: null, isPreloaded: server !== "embedded" })
    expect(before[1]).toMatchObject({ installed: null, isPreloaded: null })
    if (server === "embedded") return
    await admin("create extension pg_stat_statements")
    const after = await rows(monitoringExtensions)
    expect(after[0]?.installed).toBe(before[0]?.offered)
  })
})
