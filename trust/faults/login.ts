/** What happens before a connection can be used. */
import { type ArmedRule, fatal, on } from "@ems/db-testing/WireProxy"
import type { Fault } from "./Fault.ts"

export const loginFaults: ReadonlyArray<Fault> = [
  {
    id: "F27b",
    name: "garbage in place of the login",
    inject: async (arena) => {
      await arena.afresh(() => arena.proxy.setConnect("garbage"))
      await arena.window({ atLeastMs: 300 })
      return arena.proxy.stats.refused
    }
  },
  {
    id: "F29",
    name: "connections refused",
    inject: async (arena) => {
      await arena.afresh(() => arena.proxy.setConnect("refuse"))
      await arena.window({ atLeastMs: 400 })
      // Nobody listens, so nobody counts: connections that were open and could not be opened again.
      return arena.proxy.stats.open === 0 ? arena.offered : 0
    }
  },
  {
    id: "F29b",
    name: "connections accepted and reset",
    inject: async (arena) => {
      await arena.afresh(() => arena.proxy.setConnect("reset"))
      await arena.window({ atLeastMs: 400 })
      return arena.proxy.stats.refused
    }
  },
  {
    id: "F30",
    name: "connections accepted and never answered",
    inject: async (arena) => {
      await arena.afresh(() => arena.proxy.setConnect("silent"))
      await arena.window({ atLeastMs: 1200, offered: 20 })
      return arena.proxy.stats.refused
    }
  },
  {
    id: "F31",
    name: "a server without TLS where TLS is required",
    options: { tls: true },
    url: (url) => url.searchParams.set("sslmode", "verify-full"),
    cold: true,
    recovers: false,
    inject: async (arena) => {
      const refused = arena.proxy.add({ match: on.type("server", "answer"), action: { do: "delay", ms: 0 } })
      await arena.window({ atLeastMs: 300 })
      return refused.fired
    },
    expect: ({ verdict }) => verdict.acknowledged > 0 ? "it went on without TLS" : undefined
  },
  {
    id: "F33",
    name: "stuck inside the login",
    inject: async (arena) => {
      let stuck: ArmedRule | undefined
      await arena.afresh(() => stuck = arena.proxy.add({ match: on.type("server", "R"), action: { do: "hold" } }))
      await arena.window({ atLeastMs: 1200, offered: 20 })
      return stuck?.fired ?? 0
    }
  },
  {
    id: "F33b",
    name: "cut inside the login",
    inject: async (arena) => {
      let cut: ArmedRule | undefined
      await arena.afresh(() =>
        cut = arena.proxy.add({ match: on.type("server", "R"), action: { do: "cut", how: "reset", at: "after" } })
      )
      await arena.window({ atLeastMs: 300 })
      return cut?.fired ?? 0
    }
  },
  {
    id: "F34",
    name: "the host's name does not exist",
    url: (url) => {
      url.hostname = "no-such-host.invalid"
    },
    cold: true,
    recovers: false,
    inject: async (arena) => {
      await arena.window({ atLeastMs: 300 })
      return arena.offered
    },
    expect: ({ verdict }) => verdict.unknown > 0 ? "a statement that was never sent is unknown" : undefined
  },
  {
    id: "F38",
    name: "an outage under 40 callers, then everybody at once",
    load: { workers: 40 },
    inject: async (arena) => {
      await arena.afresh(() => arena.proxy.setConnect("reset"))
      await arena.window({ atLeastMs: 800 })
      return arena.proxy.stats.refused
    }
  },
  {
    id: "F10b",
    name: "57P03 at every login: the database system is in recovery mode",
    inject: async (arena) => {
      let waking: ArmedRule | undefined
      await arena.afresh(() =>
        waking = arena.proxy.add({
          match: on.type("server", "R"),
          action: { do: "replace", bytes: fatal("57P03", "the database system is in recovery mode"), end: true }
        })
      )
      await arena.window({ atLeastMs: 300 })
      return waking?.fired ?? 0
    }
  }
]
