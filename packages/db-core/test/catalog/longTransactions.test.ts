import { describe, expect } from "vitest"
import { longTransactions } from "../../src/catalog/longTransactions.ts"
import { withSessions } from "./Sessions.ts"
import { situation } from "./support.ts"

describe("long transactions", () => {
  situation(
    "an open one is found by its age, idle or not",
    async ({ admin, findings, rows, server, unavailable, url }) => {
      if (server === "embedded") return expect(await unavailable(longTransactions)).toBe("backend")
      await admin("create table t (id int)")
      await withSessions(url, ["idle", "busy", "none"], async ({ busy, idle, none }) => {
        await idle!.run("begin")
        await idle!.run("insert into t values (4711)")
        await none!.run("select 1")
        await busy!.run("begin")
        await busy!.waits("lock table t in share mode")
        const all = await rows(longTransactions)
        const of = (pid: number) => all.find((row) => row.pid === pid)
        expect(of(none!.pid)).toBeUndefined()
        expect(of(idle!.pid)).toMatchObject({
          state: "idle in transaction",
          hasWritten: true,
          snapshotAge: null,
          query: "insert into t values (?)"
        })
        expect(of(busy!.pid)).toMatchObject({ state: "active", hasWritten: false })

        const found = async (limits: Readonly<Record<string, number>>) => {
          const all = await findings("long-transaction", limits)
          return all.filter(({ object: { name } }) => [idle, busy].some((its) => name === String(its!.pid)))
        }
        expect(await found({})).toEqual([])
        expect(await found({ "long-transaction.idleWarn": 0 })).toMatchObject([{
          severity: "warn",
          object: { kind: "session", name: String(idle!.pid) },
          remediation: `select pg_terminate_backend(${idle!.pid});`
        }])
        expect(await found({ "long-transaction.activeWarn": 0, "long-transaction.activeError": 0 })).toMatchObject([{
          severity: "error",
          remediation: `select pg_cancel_backend(${busy!.pid});`
        }])
      })
    }
  )
})
