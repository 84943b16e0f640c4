import { describe, expect } from "vitest"
import { blockingForest } from "../../src/catalog/blockingForest.ts"
import { type BlockingTree, forestOf } from "../../src/catalog/BlockingTrees.ts"
import { ownServer } from "./OwnServer.ts"
import { type Session, withSessions } from "./Sessions.ts"
import { situation } from "./support.ts"

/** Trees by the letters of the sessions, `A(B(C) D)`, of those alone: other tests have sessions of their own. */
const drawn = (
  roots: ReadonlyArray<BlockingTree>,
  sessions: Readonly<Record<string, Session>>
): ReadonlyArray<string> => {
  const names = new Map(Object.entries(sessions).map(([name, { pid }]) => [pid, name]))
  const draw = ({ children, session }: BlockingTree): string => {
    const name = names.get(session.pid) ?? String(session.pid)
    return children.length === 0 ? name : `${name}(${children.map(draw).join(" ")})`
  }
  return roots.filter(({ session }) => names.has(session.pid)).map(draw)
}

describe("the blocking forest", () => {
  situation(
    "an idle reader, a writer, DDL behind the writer and an insert behind the DDL are exactly two edges",
    async ({ admin, findings, rows, url }) => {
      await admin("create table t (id int primary key, v int)", "insert into t values (1, 1)")
      await withSessions(url, ["A", "B", "C", "D"], async (sessions) => {
        const { A, B, C, D } = sessions
        await A!.run("begin; select * from t")
        await B!.run("begin; insert into t values (2, 2)")
        await C!.waits("create index t_v on t (v)")
        await D!.waits("insert into t values (3, 4711)")
        const all = await rows(blockingForest)
        const ours = new Map(all.map((row) => [row.pid, row]))
        expect(ours.has(A!.pid)).toBe(false)
        expect(ours.get(B!.pid)).toMatchObject({ blockedBy: [], state: "idle in transaction", lockMode: null })
        expect(ours.get(C!.pid)).toMatchObject({
          blockedBy: [B!.pid],
          lockMode: "ShareLock",
          lockType: "relation",
          lockObject: "public.t",
          waitedMs: expect.any(Number)
        })
        expect(ours.get(D!.pid)).toMatchObject({
          blockedBy: [C!.pid],
          lockMode: "RowExclusiveLock",
          query: "insert into t values (?, ?)"
        })
        expect(drawn(forestOf(all).roots, sessions)).toEqual(["B(C(D))"])

        const one = async (limits: Readonly<Record<string, number>>) =>
          (await findings("blocked-session", limits)).filter(({ object }) => object.name === String(B!.pid))
        expect(await one({})).toEqual([])
        expect(await one({ "blocked-session.victims": 2 })).toMatchObject([{
          severity: "warn",
          evidence: { victims: 2, lockObject: "public.t" },
          // It has no statement to cancel.
          remediation: `select pg_terminate_backend(${B!.pid});`
        }])
        expect(await one({ "blocked-session.warn": 0, "blocked-session.error": 0 })).toMatchObject([{
          severity: "error"
        }])
      })
    },
    { embedded: false }
  )

  situation("a queue for a row is a line, and the table of the row is named", async ({ admin, rows, url }) => {
    await admin("create table t (id int primary key, v int)", "insert into t values (1, 1)")
    await withSessions(url, ["A", "B", "C", "D"], async (sessions) => {
      await sessions["A"]!.run("begin; update t set v = 2")
      for (const name of ["B", "C", "D"]) await sessions[name]!.waits("update t set v = 3 where id = 1")
      const all = await rows(blockingForest)
      expect(drawn(forestOf(all).roots, sessions)).toEqual(["A(B(C(D)))"])
      for (const name of ["B", "C", "D"]) {
        expect(all.find(({ pid }) => pid === sessions[name]!.pid)?.lockObject).toBe("public.t")
      }
    })
  }, { embedded: false })

  situation("two roots, and one who waits for both", async ({ admin, rows, url }) => {
    await admin("create table t (id int primary key, v int)", "insert into t values (1, 1)")
    await withSessions(url, ["A", "B", "C"], async (sessions) => {
      await sessions["A"]!.run("begin; lock table t in row exclusive mode")
      await sessions["B"]!.run("begin; lock table t in row exclusive mode")
      await sessions["C"]!.waits("begin; lock table t in exclusive mode")
      const trees = drawn(forestOf(await rows(blockingForest)).roots, sessions)
      expect(trees.toSorted()).toEqual(["A(C)", "B(C)"])
    })
  }, { embedded: false })

  situation("a deadlock that nobody has found yet is a cycle", async ({ admin, rows, url }) => {
    await admin("create table t (id int primary key, v int)", "insert into t values (1, 1), (2, 2)")
    await withSessions(url, ["A", "B"], async (sessions) => {
      const { A, B } = sessions
      for (const session of [A!, B!]) await session.run("set deadlock_timeout = '1min'")
      await A!.run("begin; update t set v = 0 where id = 1")
      await B!.run("begin; update t set v = 0 where id = 2")
      await A!.waits("update t set v = 0 where id = 2")
      await B!.waits("update t set v = 0 where id = 1")
      const { cycles, roots } = forestOf(await rows(blockingForest))
      expect(cycles).toContainEqual([A!.pid, B!.pid].toSorted((a, b) => a - b))
      expect(drawn(roots, sessions)).toEqual([])
    })
  }, { embedded: false })

  situation("workers stand for their leader", async ({ admin, rows, url }) => {
    await admin(
      "create table t (id int, v int)",
      "insert into t select n, n from generate_series(1, 50000) n",
      // What a worker calls takes the lock that it waits for.
      "create function locked(n int) returns int language plpgsql parallel safe as "
        + "$$ begin perform pg_advisory_xact_lock_shared(4711); return n; end $$"
    )
    await withSessions(url, ["A", "B"], async (sessions) => {
      const { A, B } = sessions
      await B!.run(
        "set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; "
          + "set min_parallel_table_scan_size = 0; set parallel_leader_participation = off"
      )
      await A!.run("begin; select pg_advisory_xact_lock(4711)")
      await B!.waits("select count(*) from t where locked(v) > 0")
      const all = await rows(blockingForest)
      const root = forestOf(all).roots.find(({ session }) => session.pid === A!.pid)
      expect(root?.children.map(({ session }) => session.pid)).toEqual([B!.pid])
      expect(root?.children[0]?.session).toMatchObject({ lockType: "advisory", blockedBy: [A!.pid] })
      expect(root?.victims).toBe(1)
    })
  }, { embedded: false })

  ownServer("a prepared transaction blocks by its name", { max_prepared_transactions: "5" }, async (server) => {
    await server.admin("create table t (id int primary key, v int)", "insert into t values (1, 1), (2, 2)")
    const look = () =>
      withSessions(server.url(), ["A"], async ({ A }) => {
        await A!.waits("update t set v = 4 where id = 1")
        const all = await server.rows(blockingForest)
        expect(all.find(({ pid }) => pid === A!.pid)).toMatchObject({ blockedBy: [0], blockedByPrepared: ["it's one"] })
        expect(forestOf(all).roots.map(({ session, victims }) => [session.pid, victims])).toEqual([[0, 1]])
        expect(await server.findings("blocked-session", { "blocked-session.victims": 1 })).toMatchObject([{
          object: { kind: "session", name: "prepared transaction it's one" },
          remediation: "rollback prepared 'it''s one';"
        }])
      })
    await server.admin(
      "begin; update t set v = 3 where id = 1",
      "prepare transaction 'it''s one'",
      "begin; update t set v = 3 where id = 2",
      "prepare transaction 'another'"
    )
    await look()
    await server.restart("clean")
    await look()
  })

  situation("nobody waits in a database with one session", async ({ server, unavailable }) => {
    if (server === "embedded") expect(await unavailable(blockingForest)).toBe("backend")
    else expect(server).not.toBe("embedded")
  })
})
