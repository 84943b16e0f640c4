/** What happens when callers end their calls: at a chosen moment, or a statement that runs. */
import { on } from "@ems/db-testing/WireProxy"
import { setTimeout as sleep } from "node:timers/promises"
import { type Arena, type Cancelled, role } from "../Arena.ts"
import { type Moment, moments, ours } from "../contenders/Contender.ts"
import type { Load } from "../Protocol.ts"
import { type Fault, overNeon } from "./Fault.ts"
import { slow, slowCommit } from "./triggers.ts"

/** Interrupts at each moment, at least: 300 at the five of them, fewer in a quick run. */
const leastAtEach = (arena: Arena): number => Math.min(60, 15 * arena.scale)

/** Calls of which most are at this moment when they are interrupted. Which they were at is what is counted. */
interface Aim {
  readonly load: Partial<Load>
  readonly begin?: (arena: Arena) => Promise<unknown>
  readonly end?: (arena: Arena) => Promise<unknown>
}

const withoutSlow = (arena: Arena) => arena.sql("drop trigger slow on h")
const writes = { interrupts: 0.8, kinds: ["insert", "transaction"] } as const

const aims: Readonly<Record<Moment, Aim>> = {
  connect: {
    // As many callers as connections: nobody waits for another caller.
    load: { ...writes, workers: 4, spreadMs: 30 },
    begin: async (arena) => {
      arena.proxy.add({ match: on.type("client", "startup"), action: { do: "delay", ms: 20 } })
      // Every connection ends behind its first COMMIT, so that the next caller has to connect.
      arena.proxy.add({ match: on.ready(/^\s*commit/i), action: { do: "cut", how: "end", at: "after" } })
      arena.proxy.cutAll("end")
    }
  },
  queue: {
    load: { ...writes, workers: 24, spreadMs: 25 },
    begin: (arena) => arena.sql(slow(0.01)),
    end: withoutSlow
  },
  send: {
    load: { ...writes, workers: 4, spreadMs: 12 },
    begin: (arena) => arena.sql(slow(0.01)),
    end: withoutSlow
  },
  stream: { load: { interrupts: 1, kinds: ["stream"], workers: 3, spreadMs: 60 } },
  commit: {
    load: { ...writes, workers: 4, spreadMs: 16 },
    begin: (arena) => arena.sql(slowCommit(0.012)),
    end: withoutSlow
  }
}

const interruptedIn = (arena: Arena, moment: Moment): number => arena.child.progress.interrupted[moment]

/** Interrupts at every moment until each was hit often enough; 0, which makes the run void, when one was not. */
const atEveryMoment: Fault["inject"] = async (arena) => {
  for (const moment of moments) {
    const { begin, end, load } = aims[moment]
    await arena.pause()
    await begin?.(arena)
    await arena.resume(load)
    await arena.window({
      offered: 0,
      atMostMs: 12_000,
      until: () => interruptedIn(arena, moment) >= leastAtEach(arena)
    })
    await arena.pause()
    await end?.(arena)
    arena.proxy.plan.rules = []
  }
  await arena.resume()
  const counts = moments.map((moment) => interruptedIn(arena, moment))
  return counts.every((count) => count >= leastAtEach(arena)) ? counts.reduce((sum, count) => sum + count, 0) : 0
}

/** Statements that run long enough to be cancelled: the wire client first waits a moment for the answer. */
const running: Fault["before"] = (arena) => arena.sql(slow(0.03))

const anywhere = (arena: Arena) =>
  arena.window({ offered: Math.max(60, 300 / arena.scale), atMostMs: 5000 }).then(() => arena.offered)

const many = `create table if not exists many (n int not null);
  insert into many select generate_series(1, 20000) where not exists (select from many);
  grant all on many to ${role}`

const cancels = 100
const sleeper = "state = 'active' and query like 'select pg_sleep(30)%'"

/** Interrupts a statement that runs, and looks until the server does not show it any more. */
const cancelOne = async (arena: Arena, number: number): Promise<Cancelled | undefined> => {
  await arena.child.ask({ do: "sleep", mark: String(number) }, 1000)
  for (let tries = 0; (await arena.backends(sleeper)).length === 0; tries++) {
    if (tries > 200) return undefined
    await sleep(4)
  }
  await sleep(10 * arena.random())
  const woken = await arena.child.ask({ do: "wake" }, 1000)
  if (woken?.did !== "wake") return undefined
  for (let seenMs = 0;;) {
    const [row] = await arena.sql(`
      select exists (select from pg_stat_activity where usename = '${role}' and ${sleeper}) as active,
        extract(epoch from clock_timestamp()) * 1000 as at`)
    const ms = Number(row?.["at"]) - woken.at
    if (row?.["active"] === false) return { seenMs, goneMs: ms }
    seenMs = ms
    await sleep(4)
  }
}

/** The server stops working for a caller who is gone within this time, and as long as the event loop stood still. */
const stopsWithinMs = 100

const interrupting = { interrupts: 0.6, kinds: ["insert", "transaction"] } as const

const overTcp: ReadonlyArray<Fault> = [
  {
    id: "F66",
    name: "interrupts: connect, queue, send, stream, COMMIT",
    load: interrupting,
    before: (arena) => arena.sql(many),
    // Only ours says what a call is doing; the others are interrupted anywhere.
    inject: (arena) => arena.contender === ours ? atEveryMoment(arena) : anywhere(arena)
  },
  {
    id: "F66b",
    name: "100 cancels of a running statement among others",
    skip: (contender) => contender === ours ? undefined : "it takes no interruption of a statement of its choice",
    load: { workers: 6 },
    before: (arena) => arena.sql(slow(0.005)),
    inject: async (arena) => {
      let done = 0
      for (let number = 0; number < cancels; number++) {
        const cancelled = await cancelOne(arena, number)
        if (cancelled === undefined) continue
        arena.cancelled.push(cancelled)
        done++
      }
      return done === cancels ? done : 0
    },
    heal: withoutSlow,
    expect: ({ cancelled, codes, findings: { stallMs } }) => {
      if (Object.keys(codes).length > 0) return `callers who were not interrupted failed: ${JSON.stringify(codes)}`
      // When it was last seen, not when it was first missed: that also waits for whoever looks.
      const longest = Math.max(0, ...cancelled.map(({ seenMs }) => seenMs))
      return longest <= stopsWithinMs + stallMs
        ? undefined
        : `the server went on for ${Math.round(longest)} ms, the event loop stood still for ${Math.round(stallMs)} ms`
    }
  },
  {
    id: "F40",
    name: "interrupts, and the cancel request is cut",
    load: interrupting,
    before: running,
    inject: async (arena) => {
      const cut = arena.proxy.add({
        match: on.type("client", "cancel"),
        action: { do: "cut", how: "reset", at: "before" }
      })
      await anywhere(arena)
      return arena.contender === ours ? cut.fired : arena.offered
    },
    heal: withoutSlow
  },
  {
    id: "F41",
    name: "interrupts, and the cancel request comes 15 ms late",
    load: interrupting,
    before: running,
    inject: async (arena) => {
      const late = arena.proxy.add({ match: on.type("client", "cancel"), action: { do: "delay", ms: 15 } })
      await anywhere(arena)
      return arena.contender === ours ? late.fired : arena.offered
    },
    heal: withoutSlow
  }
]

export const interruptFaults: ReadonlyArray<Fault> = [...overTcp, ...overTcp.map(overNeon)]
