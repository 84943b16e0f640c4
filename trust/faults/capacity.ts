/** What happens when something is full. */
import { connect } from "@ems/db-testing/Admin"
import { role } from "../Arena.ts"
import { type Fault, only } from "./Fault.ts"
import { refusals, refusing, slow } from "./triggers.ts"

const writes = { kinds: ["insert", "transaction"] } as const

/** Every write is refused with this SQLSTATE, as the server itself would say it. */
const refused = (id: string, name: string, code: string, load: Fault["load"] = writes): Fault => ({
  id,
  name,
  load,
  inject: async (arena) => {
    await arena.sql(refusing(code, "0.5"))
    await arena.window({ offered: 60 })
    return refusals(arena)
  },
  heal: (arena) => arena.sql("drop trigger refusing on h"),
  expect: only(code)
})

export const capacityFaults: ReadonlyArray<Fault> = [
  {
    id: "F42",
    name: "53300: too many clients",
    inject: async (arena) => {
      const others: Array<Awaited<ReturnType<typeof connect>>> = []
      let full = 0
      const said = arena.said("53300")
      try {
        await arena.afresh(async () => {
          arena.proxy.cutAll("end")
          // As superuser the reserved slots would be taken as well: whoever repairs needs one.
          for (let i = 0; i < 70 && full === 0; i++) {
            await connect(arena.cluster.url).then((client) => others.push(client), () => full++)
          }
        })
        await arena.window({ atLeastMs: 400 })
      } finally {
        await Promise.all(others.map((client) => client.end()))
      }
      return said.fired
    }
  },
  {
    id: "F43",
    name: "53300: the role's connection limit",
    inject: async (arena) => {
      const said = arena.said("53300")
      await arena.afresh(() => arena.sql(`alter role ${role} connection limit 0`))
      await arena.window({ atLeastMs: 400 })
      return said.fired
    },
    heal: (arena) => arena.sql(`alter role ${role} connection limit -1`)
  },
  {
    id: "F43b",
    name: "the role's connection limit is below the pool's",
    before: async (arena) => {
      arena.said("53300")
      await arena.sql(`alter role ${role} connection limit 2`)
    },
    options: { max: 4 },
    load: { workers: 12 },
    inject: async (arena) => {
      const said = arena.said("53300")
      await arena.window({ offered: 100, atLeastMs: 300 })
      return said.fired
    },
    heal: (arena) => arena.sql(`alter role ${role} connection limit -1`)
  },
  {
    id: "F44",
    name: "pool exhausted: waiting takes longer than a caller waits",
    options: { max: 1 },
    load: { workers: 12, kinds: ["insert"] },
    inject: async (arena) => {
      await arena.sql(slow(0.25))
      await arena.window({ offered: 24, atLeastMs: arena.deadlineMs + 800 })
      return arena.child.progress.failed + arena.child.progress.unknown
    },
    heal: (arena) => arena.sql("drop trigger slow on h"),
    // A statement that was under way at the deadline may have run; one that waited was never sent.
    expect: only("PoolTimeout", "DeadlineExceeded", "CommitUnknown")
  },
  {
    id: "F45",
    name: "queue full",
    options: { max: 1, maxWaiting: 2 },
    load: { workers: 12, kinds: ["insert"] },
    inject: async (arena) => {
      await arena.sql(slow(0.05))
      await arena.window({ offered: 60, atLeastMs: 400 })
      return arena.child.progress.failed
    },
    heal: (arena) => arena.sql("drop trigger slow on h"),
    expect: only("PoolQueueFull")
  },
  refused("F46", "53100: disk full", "53100"),
  refused("F48", "53400: temporary files beyond their limit", "53400"),
  refused("F51", "54000: value too large", "54000"),
  refused("F18", "53200: out of memory", "53200"),
  refused("F80", "XX000: internal error", "XX000"),
  refused("F81", "58030: I/O error", "58030")
]
