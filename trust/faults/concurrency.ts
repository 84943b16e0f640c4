/** What happens between callers. */
import { connect } from "@ems/db-testing/Admin"
import { on } from "@ems/db-testing/WireProxy"
import { role } from "../Arena.ts"
import { type Fault, noUnknown, unnoticed } from "./Fault.ts"
import { conflicts, deadlocks, refusals, refusingAtCommit, slow } from "./triggers.ts"

const commit = /^\s*commit/i
const writes = { kinds: ["insert", "transaction"] } as const

/** A setting of the role, for every session from now on. */
const withSetting = (setting: string) => (arena: Parameters<Fault["inject"]>[0]) =>
  arena.sql(`alter role ${role} set ${setting}`)

/** Somebody holds the table again and again. */
const lockTable = (mode: string, times: number, ms: number, code?: string): Fault["inject"] => async (arena) => {
  const said = code === undefined ? undefined : arena.said(code)
  const other = await connect(arena.cluster.url)
  try {
    const held = await arena.repeat(40, times, async () => {
      await other.query(`begin; lock table h in ${mode} mode`)
      await arena.sleep(ms)
      await other.query("commit")
      return 1
    })
    return said?.fired ?? held
  } finally {
    await other.end()
  }
}

/** A session setting ends the transaction while its COMMIT is on the way. */
const timedOutAtCommit = (id: string, code: string, name: string, setting: string): Fault => ({
  id,
  name,
  load: { kinds: ["transaction"], workers: 4 },
  before: withSetting(setting),
  inject: async (arena) => {
    const said = arena.said(code)
    await arena.rule(on.statement(commit), { do: "delay", ms: 150 }, { spare: 1, least: 6 })
    return said.fired
  }
})

export const concurrencyFaults: ReadonlyArray<Fault> = [
  {
    id: "F58",
    name: "40001 at the statement, from real conflicts",
    load: { kinds: ["transaction"] },
    before: async (arena) => {
      await arena.sql(conflicts)
      await withSetting("default_transaction_isolation = 'repeatable read'")(arena)
    },
    inject: async (arena) => {
      await arena.window({ offered: 100, atMostMs: 3000 })
      // Every attempt is counted, also those that were undone.
      const [row] = await arena.sql("select count(*)::int as n from h")
      return (await refusals(arena)) - Number(row?.["n"])
    },
    expect: noUnknown
  },
  {
    id: "F58b",
    name: "40001 at COMMIT",
    load: writes,
    inject: async (arena) => {
      await arena.sql(refusingAtCommit("40001", "0.4"))
      await arena.window({ offered: 100 })
      return refusals(arena)
    },
    heal: (arena) => arena.sql("drop trigger refusing on h"),
    expect: noUnknown
  },
  {
    id: "F58c",
    name: "40P01: real deadlocks",
    load: writes,
    before: (arena) => arena.sql(deadlocks),
    inject: async (arena) => {
      await arena.window({ offered: 100 })
      const [row] = await arena.sql(
        "select pg_stat_clear_snapshot(), deadlocks from pg_stat_database where datname = current_database()"
      )
      return Number(row?.["deadlocks"])
    },
    heal: (arena) => arena.sql("drop trigger deadlocks on h"),
    expect: noUnknown
  },
  {
    id: "F59",
    name: "a connection goes back to the pool inside a transaction",
    // Without transactions of their own, nothing ends the open one by accident.
    load: { kinds: ["insert", "read"] },
    inject: async (arena) => {
      let fired = 0
      for (let i = 0; i < 3; i++) {
        const answer = await arena.child.ask({ do: "statement", sql: "begin" }, arena.deadlineMs + 2000)
        // A refusal is a good answer as well.
        if (answer !== undefined) fired++
        await arena.window({ offered: 30 * (i + 1), atLeastMs: 30 })
      }
      return fired
    }
  },
  {
    id: "F62",
    name: "55P03: lock timeout",
    load: writes,
    before: withSetting("lock_timeout = '30ms'"),
    inject: lockTable("share", 4, 120, "55P03"),
    expect: noUnknown
  },
  {
    id: "F63",
    name: "57014: statement timeout, of the role or the data layer's own",
    load: writes,
    cancels: true,
    before: withSetting("statement_timeout = '300ms'"),
    // Longer than a caller waits: a data layer that sets a timeout of its own for each statement meets that one.
    inject: lockTable("share", 2, 1300, "57014")
  },
  {
    id: "F64",
    name: "57014: cancelled by somebody else",
    load: writes,
    cancels: true,
    before: (arena) => arena.sql(slow(0.03)),
    inject: async (arena) => {
      const said = arena.said("57014")
      await arena.repeat(25, 15, async () => {
        const pids = (await arena.backends("state = 'active'")).slice(0, 2)
        await arena.sql("select pg_cancel_backend(pid) from unnest($1::int[]) pid", [pids])
        return pids.length
      })
      return said.fired
    },
    heal: (arena) => arena.sql("drop trigger slow on h")
  },
  timedOutAtCommit("F65", "25P03", "25P03: idle in transaction", "idle_in_transaction_session_timeout = '60ms'"),
  timedOutAtCommit("F65c", "25P04", "25P04: transaction timeout", "transaction_timeout = '100ms'"),
  {
    id: "F65b",
    name: "57P05: idle session",
    before: withSetting("idle_session_timeout = '60ms'"),
    inject: async (arena) => {
      let fired = 0
      for (let round = 0; round < 4; round++) {
        await arena.pause()
        fired += (await arena.backends("state = 'idle'")).length
        await arena.sleep(110)
        await arena.resume()
        await arena.window({ offered: 20 * (round + 1), atLeastMs: 20 })
      }
      return fired
    },
    expect: unnoticed
  },
  {
    id: "F68",
    name: "DDL holds the table for 300 ms",
    inject: lockTable("access exclusive", 3, 300),
    expect: unnoticed
  }
]
