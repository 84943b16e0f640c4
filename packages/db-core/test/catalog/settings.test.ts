import { describe, expect } from "vitest"
import type { ServerFacts } from "../../src/catalog/ServerFacts.ts"
import { advice, settingCheck, settings } from "../../src/catalog/settings.ts"
import { situation } from "./support.ts"

describe("settings", () => {
  situation("of a test's server: nothing is synced, and that is found", async ({ findings, rows, server }) => {
    const all = await rows(settings)
    expect(all.map(({ name }) => name)).toEqual(advice.map(({ name }) => name).toSorted())
    const found = await findings("setting")
    const names = found.map(({ object, severity }) => `${object.name} ${severity}`)
    if (server === "embedded") return expect(names).not.toContain("autovacuum error")
    expect(names).toEqual(expect.arrayContaining([
      "autovacuum error",
      "fsync error",
      "full_page_writes error",
      "random_page_cost info",
      "synchronous_commit info"
    ]))
    expect(names).not.toContain("track_counts error")
    expect(found.find(({ object }) => object.name === "fsync")).toMatchObject({
      summary: "fsync is off",
      remediation: "alter system set fsync = 'on';\nselect pg_reload_conf();",
      documentation: "https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-FSYNC"
    })
  })

  situation("of the database count as the server's, ours do not", async ({ admin, rows, url }) => {
    const of = async (name: string) => (await rows(settings)).find((row) => row.name === name)
    // The data layer limits its own statements.
    expect(await of("statement_timeout")).toMatchObject({ isOwn: true })
    await admin(`alter database ${new URL(url).pathname.slice(1)} set random_page_cost = 1.1`)
    expect((await of("random_page_cost"))?.isOwn).toBe(false)
  }, { embedded: false })

  situation("where the log is kept elsewhere, not syncing is no mistake", async ({ rows, run }) => {
    const { Catalog } = await import("../../src/catalog/Catalog.ts")
    const facts: ServerFacts = await run(Catalog.use((catalog) => catalog.server))
    const all = await rows(settings)
    const names = (server: ServerFacts) => settingCheck.findings(all, server, {}).map(({ object }) => object.name)
    expect(names(facts)).toContain("fsync")
    expect(names({ ...facts, isNeon: true })).not.toContain("fsync")
    expect(names({ ...facts, isNeon: true })).toContain("autovacuum")
  }, { embedded: false })
})
