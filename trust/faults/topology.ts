/** What happens when another server takes over. Each case has a primary and an asynchronous standby of its own. */
import { on } from "@ems/db-testing/WireProxy"
import type { Arena } from "../Arena.ts"
import type { Cluster } from "../Cluster.ts"
import { ours } from "../contenders/Contender.ts"
import type { Fault } from "./Fault.ts"

const standbyOf = (arena: Arena): Cluster => {
  if (arena.standby === undefined) throw new Error("this fault needs a standby")
  return arena.standby
}

/** New connections and the final look go to `server`; what is open stays where it is. */
const moveTo = (arena: Arena, server: Cluster): void => {
  arena.proxy.retarget(server.url)
  arena.cluster = server
}

const pair = {
  server: "pair",
  // A pair of servers takes seconds to make; one peer shows that the case can be lost.
  skip: (contender) =>
    contender === ours || contender === "postgres.js" ? undefined : "only postgres.js is run beside ours"
} as const satisfies Partial<Fault>

/** A standby answers reads: only writes show that there is a primary again. */
const writes = { kinds: ["insert", "transaction"] } as const

/** Waits until callers have heard that the server takes no writes. */
const readOnly = async (arena: Arena): Promise<number> => {
  const said = arena.said("25006")
  await arena.window({ offered: 20, atLeastMs: 300, until: () => said.fired > 0 })
  return said.fired
}

/** One good connection among bad ones makes some callers succeed: nobody may hear it any more. */
const writable = async (arena: Arena): Promise<void> => {
  const code = Buffer.from("C25006\0")
  const said = arena.proxy.add({
    match: (frame) => frame.from === "server" && frame.type === "E" && frame.bytes.includes(code),
    action: { do: "delay", ms: 0 }
  })
  for (let tries = 0; tries < 12; tries++) {
    const { fired } = said
    const { ok } = arena.child.progress
    await arena.sleep(400)
    if (said.fired === fired && arena.child.progress.ok > ok) return
  }
  throw new Error("after 5 s callers still meet a server that takes no writes")
}

export const topologyFaults: ReadonlyArray<Fault> = [
  {
    ...pair,
    id: "F69b",
    name: "failover: the standby is reached before it is promoted",
    load: writes,
    inject: async (arena) => {
      const standby = standbyOf(arena)
      const primary = arena.cluster
      await arena.pause()
      await standby.hasCaughtUp(primary)
      await primary.stop("SIGQUIT")
      moveTo(arena, standby)
      await arena.resume()
      return readOnly(arena)
    },
    heal: async (arena) => {
      await standbyOf(arena).promote()
      await writable(arena)
    }
  },
  {
    ...pair,
    id: "F69c",
    name: "switchover: the old primary is a standby, and its name moves later",
    load: writes,
    inject: async (arena) => {
      const standby = standbyOf(arena)
      const primary = arena.cluster
      arena.proxy.cutAll("end")
      // An orderly stop waits until the standby has everything.
      await primary.stop("SIGINT")
      await standby.promote()
      await primary.follow(standby)
      return readOnly(arena)
    },
    // Connections to the old primary stay open: only who gives them up gets to the new one.
    heal: async (arena) => {
      moveTo(arena, standbyOf(arena))
      await writable(arena)
    }
  },
  {
    ...pair,
    id: "F70",
    name: "failover that loses acknowledged transactions, COMMIT under way",
    load: { kinds: ["transaction"], workers: 8 },
    options: { deadlineMs: 3000 },
    inject: async (arena) => {
      const standby = standbyOf(arena)
      const primary = arena.cluster
      const answers = arena.noteAnswers()
      await standby.hasCaughtUp(primary)
      const sender = await primary.stopReplication()
      await arena.window({ offered: 60, atMostMs: 300 })
      // The server committed these, and their callers have not been told.
      answers.stop()
      const held = arena.proxy.add({ match: on.complete(/^COMMIT/), action: { do: "mute" } })
      await arena.window({ offered: 0, atLeastMs: 0, atMostMs: 500, until: () => held.fired >= 4 })
      process.kill(sender, "SIGKILL")
      await primary.stop("SIGKILL")
      arena.proxy.plan.rules = []
      arena.proxy.cutAll("reset")
      await standby.promote()
      // Xids that the old primary gave out are taken by others: an answer about them would be a lie.
      for (let xids = 0; xids < 400; xids++) await standby.sql("select pg_current_xact_id()")
      moveTo(arena, standby)
      await arena.window({ offered: 130 })
      return held.fired
    }
  }
]
