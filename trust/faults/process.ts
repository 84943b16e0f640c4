/** What happens to the processes of the server, and to our own. */
import { on } from "@ems/db-testing/WireProxy"
import type { Arena } from "../Arena.ts"
import { type Fault, unnoticed } from "./Fault.ts"

const idle = "state = 'idle'"
const sleepy = `
  create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.03); return new; end $$;
  create trigger slow before insert on h for each row execute function slow()`

const killIdle = (all: boolean): Fault["inject"] => async (arena) => {
  let fired = 0
  for (let round = 0; round < 4; round++) {
    await arena.pause()
    const pids = await arena.backends(idle)
    fired += await arena.terminate(all ? pids : pids.slice(0, 1))
    await arena.sleep(20)
    await arena.resume()
    await arena.window({ offered: 20 * (round + 1), atLeastMs: 30 })
  }
  return fired
}

/** The server takes the end of one backend by a signal for a corruption of shared memory, and ends all of them. */
const crash = async (arena: Arena): Promise<number> => {
  const [pid] = await arena.backends().catch(() => [])
  if (pid === undefined) return 0
  process.kill(pid, "SIGKILL")
  arena.cluster.forget()
  return 1
}

const restart = (signal: "SIGTERM" | "SIGINT" | "SIGQUIT"): Fault["inject"] => async (arena) => {
  // A smart shutdown waits for the sessions: they end a little later.
  const closing = signal === "SIGTERM" ? arena.sleep(150).then(() => arena.proxy.cutAll("end")) : undefined
  await arena.cluster.stop(signal)
  await closing
  await arena.window({ offered: 20 })
  await arena.cluster.startAgain()
  return 1
}

export const processFaults: ReadonlyArray<Fault> = [
  { id: "F01", name: "an idle backend killed", inject: killIdle(false), expect: unnoticed },
  { id: "F02", name: "all idle backends killed at once", inject: killIdle(true), expect: unnoticed },
  {
    id: "F03",
    name: "backend killed while it runs",
    before: (arena) => arena.sql(sleepy),
    inject: (arena) =>
      arena.repeat(30, 15, async () => arena.terminate((await arena.backends("state = 'active'")).slice(0, 1)))
  },
  {
    id: "F10",
    name: "kill -9 of a backend: every session ends, crash recovery",
    inject: async (arena) => {
      let fired = 0
      for (let round = 0; round < 4; round++) {
        fired += await crash(arena)
        await arena.window({ offered: 20 * (round + 1), atLeastMs: 200 })
      }
      return fired
    }
  },
  {
    id: "F10c",
    name: "crash with every COMMIT still on its way: xids are used again",
    load: { kinds: ["transaction"] },
    inject: async (arena) => {
      let fired = 0
      for (let round = 0; round < 3; round++) {
        // Nothing is flushed after these transactions took their xids, so recovery gives the same ones to others.
        const held = arena.proxy.add({ match: on.statement(/^\s*commit/i), action: { do: "hold" } })
        await arena.window({ offered: 0, atLeastMs: 60, atMostMs: 500, until: () => held.fired >= 3 })
        const crashed = await crash(arena)
        arena.proxy.plan.rules = []
        if (held.fired > 0) fired += crashed
        await arena.window({ offered: 20 * (round + 1), atLeastMs: 200 })
      }
      return fired
    }
  },
  { id: "F11", name: "restart -m fast", inject: restart("SIGINT") },
  { id: "F12", name: "stop -m immediate, start", inject: restart("SIGQUIT") },
  { id: "F13", name: "smart shutdown, start", inject: restart("SIGTERM") },
  {
    id: "F14",
    name: "backends stopped (SIGSTOP) past the deadline, then go on",
    load: { kinds: ["insert", "transaction"] },
    inject: async (arena) => {
      const pids = await arena.backends()
      for (const pid of pids) process.kill(pid, "SIGSTOP")
      try {
        await arena.window({ atLeastMs: arena.deadlineMs + 500, offered: 20, atMostMs: arena.deadlineMs + 2500 })
      } finally {
        for (const pid of pids) process.kill(pid, "SIGCONT")
      }
      return pids.length
    }
  },
  {
    id: "F14b",
    name: "one backend after the other stopped past the deadline",
    load: { kinds: ["insert", "transaction"] },
    inject: (arena) =>
      arena.repeat(20, 2, async () => {
        const [pid] = await arena.backends("state <> 'idle'")
        if (pid === undefined) return 0
        process.kill(pid, "SIGSTOP")
        await arena.sleep(arena.deadlineMs + 300)
        // It may be gone: a signal to end it waited for this.
        try {
          process.kill(pid, "SIGCONT")
        } catch {}
        return 1
      })
  },
  {
    id: "F15",
    name: "postmaster stopped: connects are accepted and hang",
    inject: async (arena) => {
      const { postmaster } = arena.cluster
      try {
        await arena.afresh(() => process.kill(postmaster, "SIGSTOP"))
        await arena.window({ atLeastMs: 1500, offered: 20 })
      } finally {
        process.kill(postmaster, "SIGCONT")
      }
      return 1
    }
  },
  {
    id: "F17",
    name: "the caller's own process killed in its work",
    kills: true,
    recovers: false,
    inject: async (arena) => {
      await arena.window({ offered: 40 })
      arena.child.end()
      await arena.sleep(100)
      return 1
    }
  },
  {
    id: "F56",
    name: "event loop blocked for 400 ms, again and again",
    inject: (arena) =>
      arena.repeat(100, 4, async () => (await arena.child.ask({ do: "block", ms: 400 }, 3000)) === undefined ? 0 : 1)
  },
  {
    id: "F16",
    name: "kill -9 of the postmaster with live backends",
    skip: () => "the server's watchdog ends with its postmaster; F10 crashes the same sessions",
    inject: async () => 0
  }
]
