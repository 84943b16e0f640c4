/** What happens to a COMMIT, and to a lone INSERT, on the way to the server and back. */
import { fatal, on } from "@ems/db-testing/WireProxy"
import { ours } from "../contenders/Contender.ts"
import { type Fault, noUnknown, overNeon } from "./Fault.ts"

const commit = /^\s*commit/i
const begin = /^\s*(begin|start transaction)/i
const insert = /^\s*insert/i
const transactions = { load: { kinds: ["transaction"] } } as const
const inserts = { load: { kinds: ["insert"] } } as const
const terminate = "select pg_terminate_backend(pg_backend_pid())"

const onThisServer: ReadonlyArray<Fault> = [
  {
    id: "F05",
    name: "COMMIT lost before the server, RST",
    ...transactions,
    inject: (arena) => arena.rule(on.statement(commit), { do: "cut", how: "reset", at: "before" })
  },
  {
    id: "F05b",
    name: "COMMIT lost before the server, FIN",
    ...transactions,
    inject: (arena) => arena.rule(on.statement(commit), { do: "cut", how: "end", at: "before" })
  },
  {
    id: "F06",
    name: "COMMIT's reply lost, RST",
    ...transactions,
    inject: (arena) => arena.rule(on.complete(/^COMMIT/), { do: "cut", how: "reset", at: "before" })
  },
  {
    id: "F06b",
    name: "COMMIT's reply lost, FIN",
    ...transactions,
    inject: (arena) => arena.rule(on.complete(/^COMMIT/), { do: "cut", how: "end", at: "before" })
  },
  {
    id: "F06c",
    name: "COMMIT's reply swallowed, socket stays open",
    load: { kinds: ["transaction"], workers: 16 },
    inject: (arena) => arena.rule(on.complete(/^COMMIT/), { do: "mute" }, { spare: 1, least: 3 })
  },
  {
    id: "F06e",
    name: "COMMIT held on the way, delivered at the end",
    load: { kinds: ["transaction"], workers: 16 },
    inject: (arena) => arena.rule(on.statement(commit), { do: "hold" }, { spare: 5, least: 3 })
  },
  {
    id: "F06f",
    name: "COMMIT's reply comes after the deadline",
    load: { kinds: ["transaction"], workers: 16 },
    inject: (arena) =>
      arena.rule(on.complete(/^COMMIT/), { do: "delay", ms: arena.deadlineMs + 300 }, { spare: 5, least: 3 })
  },
  {
    id: "F06g",
    name: "COMMIT's reply lost, and nobody can connect for a while",
    ...transactions,
    inject: async (arena) => {
      const cut = arena.proxy.add({
        match: on.complete(/^COMMIT/),
        action: { do: "cut", how: "reset", at: "before" },
        spare: 2
      })
      await arena.repeat(80, 6, async () => {
        await arena.proxy.setConnect("reset")
        await arena.sleep(80)
        await arena.proxy.setConnect("accept")
        return 0
      })
      return cut.fired
    }
  },
  {
    id: "F06d",
    name: "COMMIT cut in the middle of the frame",
    ...transactions,
    inject: (arena) => arena.rule(on.statement(commit), { do: "cut", how: "end", at: "inside" })
  },
  {
    id: "F07",
    name: "CommandComplete COMMIT, then FATAL",
    ...transactions,
    inject: (arena) =>
      arena.rule(on.ready(commit), {
        do: "replace",
        bytes: fatal("57P01", "terminating connection due to administrator command"),
        end: true
      })
  },
  {
    id: "F07b",
    name: "CommandComplete COMMIT, then RST",
    ...transactions,
    inject: (arena) => arena.rule(on.ready(commit), { do: "cut", how: "reset", at: "before" })
  },
  {
    id: "F08",
    name: "lone INSERT's reply lost, RST",
    ...inserts,
    inject: (arena) => arena.rule(on.complete(/^INSERT/), { do: "cut", how: "reset", at: "before" })
  },
  {
    id: "F08b",
    name: "lone INSERT's reply lost, FIN",
    ...inserts,
    inject: (arena) => arena.rule(on.complete(/^INSERT/), { do: "cut", how: "end", at: "before" })
  },
  {
    id: "F08c",
    name: "lone INSERT: CommandComplete, then FATAL",
    ...inserts,
    inject: (arena) =>
      arena.rule(on.ready(insert), { do: "replace", bytes: fatal("57P01", "terminating connection"), end: true })
  },
  {
    id: "F08d",
    name: "lone INSERT lost before the server",
    ...inserts,
    inject: (arena) => arena.rule(on.statement(insert), { do: "cut", how: "reset", at: "before" })
  },
  {
    id: "F08e",
    name: "INSERT in a transaction: reply lost",
    ...transactions,
    inject: (arena) => arena.rule(on.complete(/^INSERT/), { do: "cut", how: "reset", at: "before" }),
    expect: noUnknown
  },
  {
    id: "F09",
    name: "COMMIT of a failed transaction is answered ROLLBACK",
    ...transactions,
    inject: (arena) => arena.rule(on.statement(commit), { do: "ask", sql: "select 1/0" }),
    expect: noUnknown
  },
  {
    id: "F04",
    name: "backend killed before COMMIT",
    ...transactions,
    inject: (arena) => arena.rule(on.statement(commit), { do: "ask", sql: terminate })
  },
  {
    id: "F04b",
    name: "backend killed between BEGIN and INSERT",
    ...transactions,
    inject: (arena) => arena.rule(on.statement(insert), { do: "ask", sql: terminate }),
    expect: noUnknown
  },
  {
    id: "F60",
    name: "BEGIN fails, RST",
    ...transactions,
    inject: (arena) => arena.rule(on.statement(begin), { do: "cut", how: "reset", at: "before" }),
    expect: noUnknown
  },
  {
    id: "F60b",
    name: "BEGIN's reply lost",
    ...transactions,
    inject: (arena) => arena.rule(on.complete(/^BEGIN/), { do: "cut", how: "reset", at: "before" }),
    expect: noUnknown
  }
]

/** What the resolution of an unanswered COMMIT asks the server is not the same in every version. */
const onOldest = (fault: Fault): Fault => ({
  ...fault,
  id: `${fault.id}v15`,
  name: `${fault.name} (Postgres 15)`,
  server: "15",
  skip: (contender) => contender === ours ? undefined : "only ours is run against Postgres 15 as well"
})

const outcome = onThisServer.filter(({ id }) => /^F0[5-9]/.test(id))

export const commitFaults: ReadonlyArray<Fault> = [
  ...onThisServer,
  ...outcome.map(onOldest),
  ...outcome.map(overNeon)
]
