import { describe, expect } from "vitest"
import { extensions, serverOverview } from "../../src/catalog/serverOverview.ts"
import { situation } from "./support.ts"

describe("the server's overview", () => {
  situation("says what it is", async ({ admin, rows, server }) => {
    await admin("create table t as select n from generate_series(1, 10000) n")
    const all = await rows(serverOverview)
    expect(all).toHaveLength(1)
    expect(all[0]).toMatchObject({
      version: expect.stringMatching(server === "15" ? /^15\./ : /^18\./),
      encoding: "UTF8",
      isStandby: false,
      sharedBuffersBytes: 128 * 1024 * 1024,
      workMemoryBytes: 4 * 1024 * 1024,
      startedAt: expect.stringMatching(/^20\d\d-\d\d-\d\dT/)
    })
    expect(all[0]?.databaseBytes).toBeGreaterThan(5_000_000)
    expect(all[0]?.uptimeMs).toBeGreaterThan(0)
    expect(all[0]?.cacheHitShare).toBeLessThanOrEqual(1)
  })

  situation("an extension that its files have outgrown", async ({ admin, findings, rows, server }) => {
    if (server === "embedded") return expect((await rows(extensions)).map(({ name }) => name)).toContain("plpgsql")
    await admin("create extension hstore version '1.4'")
    expect((await rows(extensions)).find(({ name }) => name === "hstore")).toMatchObject({
      installed: "1.4",
      offered: "1.8",
      schema: "public"
    })
    const found = await findings("extension-outdated")
    expect(found).toMatchObject([{ object: { kind: "extension", name: "hstore" } }])
    await admin(found[0]!.remediation ?? "")
    expect(await findings("extension-outdated")).toEqual([])
  })
})
