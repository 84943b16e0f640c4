import { connect } from "@ems/db-testing/Admin"
import { describe, expect } from "vitest"
import { connectionLimits, connections } from "../../src/catalog/connections.ts"
import { withSessions } from "./Sessions.ts"
import { situation } from "./support.ts"

describe("connections", () => {
  situation("are counted by who has them and what they do", async ({ rows, server, unavailable, url }) => {
    if (server === "embedded") return expect(await unavailable(connections)).toBe("backend")
    const database = new URL(url).pathname.slice(1)
    await withSessions(url, ["A", "B", "C"], async (sessions) => {
      for (const { run } of Object.values(sessions)) await run("set application_name = 'crowd'")
      await sessions["A"]!.run("begin")
      const ours = (await rows(connections)).filter((row) => row.database === database && row.application === "crowd")
      expect(ours.map(({ count, state, user }) => [count, state, user])).toEqual([
        [2, "idle", "postgres"],
        [1, "idle in transaction", "postgres"]
      ])
      expect(ours[0]?.oldestStateMs).toBeGreaterThanOrEqual(ours[0]?.newestStateMs ?? 0)
    })
  })

  situation("are held against what ordinary roles may have", async ({ admin, findings, rows, url }) => {
    const database = new URL(url).pathname.slice(1)
    const role = `few_${database}`
    await admin(
      `create role ${role} login password 'few' connection limit 2`,
      `alter database ${database} connection limit 50`
    )
    const address = new URL(url)
    address.username = role
    address.password = "few"
    const client = await connect(address.href)
    try {
      const limits = await rows(connectionLimits)
      expect(limits.find(({ kind }) => kind === "server")).toMatchObject({
        // 200 for the tests' servers, of which 3 are the superuser's.
        limit: 197,
        reserved: 3,
        used: expect.any(Number)
      })
      expect(limits.find(({ name }) => name === role)).toEqual({
        kind: "role",
        name: role,
        used: 1,
        limit: 2,
        reserved: 0
      })
      expect(limits.find(({ name }) => name === database)).toMatchObject({ kind: "database", limit: 50 })
      expect(limits.find(({ name }) => name === database)?.used).toBeGreaterThanOrEqual(2)
      const ours = async (figures: Readonly<Record<string, number>> = {}) =>
        (await findings("connection-limit", figures)).filter(({ object: { name } }) => name.includes(database))
      expect(await ours()).toEqual([])
      expect(await ours({ "connection-limit.warn": 0.01 })).toMatchObject([{
        severity: "warn",
        object: { kind: "database", name: database },
        evidence: { limit: 50 }
      }, {
        severity: "warn",
        object: { kind: "setting", name: `role ${role}` },
        evidence: { used: 1, limit: 2, share: 0.5 }
      }])
    } finally {
      await client.end()
      await admin(`drop role ${role}`)
    }
  }, { embedded: false })
})
