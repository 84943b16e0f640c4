import { connect } from "@ems/db-testing/Admin"
import { describe, expect } from "vitest"
import { serverSample } from "../../src/catalog/serverSample.ts"
import { withSessions } from "./Sessions.ts"
import { situation } from "./support.ts"

describe("a sample of the server", () => {
  situation("is one row, and its counters go on", async ({ admin, rows, server }) => {
    const [before, ...more] = await rows(serverSample)
    expect(more).toEqual([])
    // A session that became idle writes its counters down after ten seconds, unless it is told to.
    await admin(
      "create table t as select n from generate_series(1, 10000) n",
      "delete from t where n <= 10",
      "select pg_stat_force_next_flush()"
    )
    const [after] = await rows(serverSample)
    expect(after?.rowsDeleted).toBeGreaterThanOrEqual((before?.rowsDeleted ?? 0) + 10)
    expect(after?.rowsInserted).toBeGreaterThanOrEqual((before?.rowsInserted ?? 0) + 10_000)
    expect(after?.rowsRead).toBeGreaterThanOrEqual((before?.rowsRead ?? 0) + 10_000)
    expect(after?.commits).toBeGreaterThanOrEqual((before?.commits ?? 0) + 2)
    expect(after?.walBytes).toBeGreaterThan((before?.walBytes ?? 0) + 100_000)
    expect(after?.sampledMs).toBeGreaterThan(before?.sampledMs ?? 0)
    expect(after).toMatchObject({
      startedAt: before?.startedAt,
      statisticsSince: before?.statisticsSince,
      isStandby: false,
      timestamp: expect.stringMatching(/^20\d\d-\d\d-\d\dT/)
    })
    if (server === "embedded") expect(after).toMatchObject({ sessions: [], sessionCount: 0, blocking: [] })
  })

  situation("shows who is at work and who waits for whom, and not itself", async ({ admin, rows, url }) => {
    await admin("create table t (id int primary key, secret text)")
    await withSessions(url, ["A", "B", "C"], async ({ A, B, C }) => {
      await A!.run("set application_name = 'holder'")
      await A!.run("begin")
      await A!.run("lock table t")
      await B!.waits("insert into t values (1, 'hunter2')")
      await C!.run("select 1")
      const [sample] = await rows(serverSample)
      expect(sample?.sessions.find(({ pid }) => pid === A!.pid)).toMatchObject({
        application: "holder",
        state: "idle in transaction",
        queryMs: null,
        transactionMs: expect.any(Number),
        query: "lock table t"
      })
      expect(sample?.sessions.find(({ pid }) => pid === B!.pid)).toMatchObject({
        state: "active",
        waitEventType: "Lock",
        waitEvent: "relation",
        workers: 0,
        queryMs: expect.any(Number),
        query: "insert into t values (?, ?)"
      })
      const pids = sample?.sessions.map(({ pid }) => pid) ?? []
      expect(pids.indexOf(A!.pid)).toBeLessThan(pids.indexOf(B!.pid))
      expect(pids).not.toContain(C!.pid)
      // What asks is called so, and nobody else is in this database.
      expect(sample?.sessions.filter((one) => one.database === sample.database && one.application === "ems")).toEqual(
        []
      )
      expect(sample?.sessionCount).toBe(pids.length)
      expect(sample?.blocking.find(({ pid }) => pid === B!.pid)?.blockedBy).toEqual([A!.pid])
      expect(sample?.waits).toContainEqual({ type: "Lock", event: "relation", count: expect.any(Number) })
      expect(sample?.states.find(({ state }) => state === "idle")?.count).toBeGreaterThan(0)
      expect(sample?.connections).toBe(sample?.states.reduce((sum, { count }) => sum + count, 1))
      expect(sample).toMatchObject({ maxConnections: 200, reservedConnections: 3 })
      expect(JSON.stringify(sample)).not.toContain("hunter2")
    })
  }, { embedded: false })

  situation("a reset of the statistics is seen", async ({ admin, rows }) => {
    const [before] = await rows(serverSample)
    await admin("select pg_stat_reset()")
    const [after] = await rows(serverSample)
    expect(after?.statisticsSince).not.toBe(before?.statisticsSince)
  })

  situation("a role without rights sees who waits, and no statement", async ({ admin, server, url }) => {
    const role = `plain_${new URL(url).pathname.slice(1)}`
    await admin(`create role ${role} login password 'plain'`, "create table t (id int)")
    try {
      await withSessions(url, ["A", "B"], async ({ A, B }) => {
        await A!.run("begin")
        await A!.run("lock table t")
        await B!.waits("insert into t values (1)")
        const address = new URL(url)
        address.username = role
        address.password = "plain"
        const client = await connect(address.href)
        try {
          // The query as its file says it: this role has no catalog of its own here.
          const { rows: [seen] } = await client.query<
            { sessions: ReadonlyArray<{ pid: number }>; states: ReadonlyArray<{ state: string | null }> }
          >(
            serverSample.sql({ backend: "direct" } as never)
          )
          expect(seen?.sessions.find(({ pid }) => pid === B!.pid)).toMatchObject({ state: null, query: null })
          expect(seen?.sessions.some(({ pid }) => pid === A!.pid)).toBe(false)
          expect(seen?.states.some(({ state }) => state === null)).toBe(true)
        } finally {
          await client.end()
        }
      })
    } finally {
      await admin(`drop role ${role}`)
    }
    expect(server).not.toBe("embedded")
  }, { embedded: false })
})
