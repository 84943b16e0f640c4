/** What happens between the two. */
import { garbage, on } from "@ems/db-testing/WireProxy"
import { type Fault, unnoticed } from "./Fault.ts"

const cutWhileIdle = (how: "reset" | "end"): Fault["inject"] => async (arena) => {
  let fired = 0
  for (let round = 0; round < 4; round++) {
    await arena.pause()
    fired += arena.proxy.cutAll(how)
    await arena.sleep(20)
    await arena.resume()
    await arena.window({ offered: 20 * (round + 1), atLeastMs: 30 })
  }
  return fired
}

/** Longer than a deadline, so that every caller meets it. */
const pastDeadline = { offered: 20, extraMs: 300 }

const needsFilter = () => "needs a packet filter of the kernel and a network namespace"

export const networkFaults: ReadonlyArray<Fault> = [
  {
    id: "F19",
    name: "RST on live connections",
    inject: (arena) => arena.repeat(25, 15, () => arena.proxy.cutAll("reset"))
  },
  {
    id: "F19b",
    name: "FIN on live connections",
    inject: (arena) => arena.repeat(25, 15, () => arena.proxy.cutAll("end"))
  },
  { id: "F20", name: "ss -K: ECONNABORTED", skip: needsFilter, inject: async () => 0 },
  { id: "F21", name: "FIN on idle connections", inject: cutWhileIdle("end"), expect: unnoticed },
  { id: "F21b", name: "RST on idle connections", inject: cutWhileIdle("reset"), expect: unnoticed },
  {
    id: "F22",
    name: "half-open: both directions silent",
    inject: async (arena) => {
      arena.proxy.plan.hold = true
      await arena.window({ atLeastMs: arena.deadlineMs + pastDeadline.extraMs, offered: pastDeadline.offered })
      return arena.proxy.stats.fired
    }
  },
  {
    id: "F23",
    name: "asymmetric: requests arrive, replies are dropped",
    load: { kinds: ["insert", "transaction"] },
    inject: async (arena) => {
      arena.proxy.plan.mute = "server"
      await arena.window({ atLeastMs: arena.deadlineMs + pastDeadline.extraMs, offered: pastDeadline.offered })
      return arena.proxy.stats.fired
    }
  },
  {
    id: "F23b",
    name: "asymmetric: requests are dropped",
    inject: async (arena) => {
      arena.proxy.plan.mute = "client"
      await arena.window({ atLeastMs: arena.deadlineMs + pastDeadline.extraMs, offered: pastDeadline.offered })
      return arena.proxy.stats.fired
    }
  },
  {
    id: "F24",
    name: "slow: 15 ms for every message",
    inject: async (arena) => {
      arena.proxy.plan.delayMs = 15
      await arena.window({ atLeastMs: 500 })
      return arena.proxy.stats.fired
    }
  },
  { id: "F25", name: "20 % packet loss", skip: needsFilter, inject: async () => 0 },
  {
    id: "F26",
    name: "cut inside a DataRow",
    load: { kinds: ["read", "read", "insert"] },
    inject: (arena) => arena.rule(on.dataRow(/./), { do: "cut", how: "end", at: "inside" })
  },
  {
    id: "F27",
    name: "garbage in place of an answer",
    inject: (arena) => arena.rule(on.complete(/./), { do: "replace", bytes: garbage() }, { spare: 9, least: 3 })
  },
  {
    id: "F28",
    name: "one byte at a time in both directions",
    inject: async (arena) => {
      arena.proxy.plan.sliceBytes = 1
      await arena.window({ atLeastMs: 300 })
      return arena.proxy.stats.fired
    },
    expect: unnoticed
  },
  { id: "F37", name: "link down and up", skip: needsFilter, inject: async () => 0 }
]
