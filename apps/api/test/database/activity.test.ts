import { Activity } from "@ems/schema/contract/Activity"
import { Blocking } from "@ems/schema/contract/Blocking"
import { Connections } from "@ems/schema/contract/Connections"
import { describe, expect, it } from "vitest"
import { canary, problemOf } from "../support.ts"
import { onDatabase, withSessions } from "./support.ts"

describe("GET /api/db/activity", () => {
  it("tells what sessions do, by state, without values", () =>
    onDatabase(async (stage) => {
      await stage.admin("create table t (id int primary key, secret text)")
      await withSessions(stage, async (holder, waiter) => {
        await holder.run("set application_name = 'holder'")
        await holder.run("begin")
        await holder.run("lock table t")
        await waiter.waits(`insert into t values (1, '${canary}')`)
        const { items, total, unavailable } = await stage.ask("/api/db/activity?limit=200", Activity)
        expect([unavailable, items.length]).toEqual([null, total])
        expect(items.find(({ pid }) => pid === holder.pid)).toMatchObject({
          application: "holder",
          state: "idle in transaction",
          isBlocked: false
        })
        const connected = items.find(({ pid }) => pid === holder.pid)
        expect(Date.now() - Date.parse(connected?.backendStart ?? "") - (connected?.connectedMs ?? 0)).toBeLessThan(
          5000
        )
        expect(items.find(({ pid }) => pid === waiter.pid)).toMatchObject({
          state: "active",
          isBlocked: true,
          waitEventType: "Lock",
          query: "insert into t values (?, ?)"
        })
        expect(JSON.stringify(items)).not.toContain(canary)

        const idle = await stage.ask("/api/db/activity?state=idle%20in%20transaction&limit=200", Activity)
        expect(idle.items.map(({ pid }) => pid)).toContain(holder.pid)
        expect(idle.items.every(({ state }) => state === "idle in transaction")).toBe(true)
        expect(idle.total).toBeLessThan(total)
        // Within one answer: other tests' sessions come and go.
        const pids = (await stage.ask("/api/db/activity?sort=-pid&limit=200", Activity)).items.map(({ pid }) => pid)
        expect(pids).toEqual(pids.toSorted((a, b) => b - a))
        expect(pids).toContain(holder.pid)
      })
      const problem = await problemOf(await stage.response("/api/db/activity?state=asleep"))
      expect([problem.status, problem.detail]).toEqual([422, expect.stringContaining("at /state")])
    }))
})

describe("GET /api/db/blocking", () => {
  it("tells who waits for whom, for which lock and on what", () =>
    onDatabase(async (stage) => {
      await stage.admin("create table t (id int primary key, secret text)")
      await withSessions(stage, async (holder, waiter) => {
        await holder.run("begin")
        await holder.run("lock table t")
        await waiter.waits(`insert into t values (1, '${canary}')`)
        const answer = await stage.ask("/api/db/blocking", Blocking)
        expect(answer.cycles).toEqual([])
        expect(answer.unavailable).toBeNull()
        // Other tests have sessions of their own on this server.
        const root = answer.items.find(({ pid }) => pid === holder.pid)
        expect(root).toMatchObject({ victims: 1, state: "idle in transaction", query: "lock table t" })
        expect(root?.waiters).toMatchObject([{
          pid: waiter.pid,
          depth: 1,
          behind: holder.pid,
          lockMode: "RowExclusiveLock",
          lockType: "relation",
          lockObject: "public.t",
          isRepeated: false
        }])
        expect(root?.longestWaitMs).toBe(root?.waiters[0]?.waitedMs)
        expect(JSON.stringify(answer)).not.toContain(canary)
      })
      const after = await stage.ask("/api/db/blocking?sort=-waited", Blocking)
      expect(after.items.filter(({ database }) => database === new URL(stage.url).pathname.slice(1))).toEqual([])
    }))

  it("puts each before those who wait behind it", () =>
    onDatabase(async (stage) => {
      await stage.admin("create table t (id int primary key)")
      await withSessions(stage, async (reader, ddl) => {
        await reader.run("begin")
        await reader.run("select * from t")
        await ddl.waits("alter table t add v int")
        await withSessions(stage, async (second, third) => {
          await second.waits("select * from t")
          await third.waits("select * from t")
          const { items } = await stage.ask("/api/db/blocking", Blocking)
          const root = items.find(({ pid }) => pid === reader.pid)
          expect(root?.victims).toBe(3)
          expect(root?.waiters.map(({ behind, depth, pid }) => [depth, behind, pid])).toEqual([
            [1, reader.pid, ddl.pid],
            [2, ddl.pid, second.pid],
            [2, ddl.pid, third.pid]
          ])
        })
      })
    }))
})

describe("GET /api/db/connections", () => {
  it("tells who has how many, and how many there may be", () =>
    onDatabase(async (stage) => {
      await withSessions(stage, async (first, second) => {
        for (const { run } of [first, second]) await run("set application_name = 'pair'")
        const { items, limits, unavailable, unavailableParts } = await stage.ask(
          "/api/db/connections?sort=-count&limit=200",
          Connections
        )
        expect([unavailable, unavailableParts]).toEqual([null, []])
        expect(items.find(({ application }) => application === "pair")).toMatchObject({
          database: new URL(stage.url).pathname.slice(1),
          user: "postgres",
          state: "idle",
          count: 2
        })
        expect(limits[0]).toMatchObject({ kind: "server", name: "" })
        expect(limits[0]?.used).toBeGreaterThanOrEqual(3)
        expect(limits[0]?.limit).toBeGreaterThan(limits[0]?.used ?? 0)
      })
    }))
})
