import { connect } from "@ems/db-testing/Admin"
import { describe, expect } from "vitest"
import { activity } from "../../src/catalog/activity.ts"
import { withSessions } from "./Sessions.ts"
import { situation } from "./support.ts"

describe("activity", () => {
  situation("shows what a session does, without its values", async ({ admin, rows, server, unavailable, url }) => {
    if (server === "embedded") return expect(await unavailable(activity)).toBe("backend")
    await admin("create table t (id int primary key, secret text)")
    await withSessions(url, ["A", "B"], async ({ A, B }) => {
      await A!.run("set application_name = 'counter'")
      await A!.run("begin")
      await A!.run("lock table t")
      await B!.waits("insert into t values (1, 'hunter2')")
      const all = await rows(activity)
      expect(all.find(({ pid }) => pid === A!.pid)).toMatchObject({
        application: "counter",
        backendType: "client backend",
        state: "idle in transaction",
        client: "network",
        address: "127.0.0.1",
        isBlocked: false,
        isOwn: false,
        query: "lock table t"
      })
      const blocked = all.find(({ pid }) => pid === B!.pid)
      expect(blocked).toMatchObject({
        state: "active",
        isBlocked: true,
        waitEventType: "Lock",
        query: "insert into t values (?, ?)"
      })
      expect(blocked?.transactionMs).toBeLessThan(60_000)
      expect(blocked?.transactionMs).toBeGreaterThanOrEqual(blocked?.queryMs ?? 0)
      expect(all.filter(({ isOwn }) => isOwn)).toHaveLength(1)
      expect(all.some(({ backendType, client }) => backendType === "checkpointer" && client === "none")).toBe(true)
      expect(JSON.stringify(all)).not.toContain("hunter2")
    })
  })

  situation("text that was cut off in a literal leaks nothing of it", async ({ rows, url }) => {
    await withSessions(url, ["A"], async ({ A }) => {
      await A!.run(`select '${"hunter2".repeat(1000)}'`)
      const row = (await rows(activity)).find(({ pid }) => pid === A!.pid)
      expect(row?.query).toMatch(/^select/)
      expect(row?.query).not.toContain("hunter2")
    })
  }, { embedded: false })

  situation("a role without rights sees who is there, and not what they do", async ({ admin, rows, url }) => {
    const role = `plain_${new URL(url).pathname.slice(1)}`
    await admin(`create role ${role} login password 'plain'`)
    try {
      await withSessions(url, ["A"], async ({ A }) => {
        await A!.run("select 1")
        const address = new URL(url)
        address.username = role
        address.password = "plain"
        const client = await connect(address.href)
        try {
          const { rows: seen } = await client.query<{ pid: number; query: string | null; address: string | null }>(
            // The query as its file says it: this role has no catalog of its own here.
            activity.sql({} as never)
          )
          expect(seen.find(({ pid }) => pid === A!.pid)).toMatchObject({
            backendType: null,
            state: null,
            query: null,
            address: null,
            client: "none",
            user: "postgres"
          })
        } finally {
          await client.end()
        }
        // And who sees all of it is told nothing of that.
        expect((await rows(activity)).find(({ pid }) => pid === A!.pid)?.query).toBe("select ?")
      })
    } finally {
      await admin(`drop role ${role}`)
    }
  }, { embedded: false })
})
