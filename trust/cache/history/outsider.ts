/** A process without the data layer: plain `pg`, as psql, another program or a job would write. */
import pg from "pg"
import { Callers } from "./Callers.ts"
import { type Group, groups, keyOf, poison, rowCount } from "./Layout.ts"
import { LogWriter } from "./Log.ts"
import { type Acked, type Answer, type Command, listen, type OutsiderLoad } from "./Protocol.ts"

const returning = "returning v::int as version, pg_current_xact_id()::text as xid"

/** The statements that write a group: in one text, and one by one. */
const statements: Readonly<Record<Group, { readonly alone: string; readonly each: ReadonlyArray<string> }>> = {
  pair: {
    alone: `with x as (update a set v = v + 1 where id = $1 returning v) update b set v = x.v from x where b.id = $1
      returning b.v::int as version, pg_current_xact_id()::text as xid`,
    each: [`update a set v = v + 1 where id = $1 ${returning}`, `update b set v = v + 1 where id = $1 ${returning}`]
  },
  outer: {
    alone: `update c set v = v + 1 where id = $1 ${returning}`,
    each: [`update c set v = v + 1 where id = $1 ${returning}`]
  },
  family: {
    alone: `update p set v = v + 1 where id = $1 ${returning}`,
    each: [`update p set v = v + 1 where id = $1 ${returning}`]
  },
  quiet: {
    alone: `update quiet set v = v + 1 where id = $1 ${returning}`,
    each: [`update quiet set v = v + 1 where id = $1 ${returning}`]
  }
}

/** Mostly what it writes alone: what everybody writes is hardly ever cached. */
const frequent: ReadonlyArray<Group> = ["outer", "outer", "outer", "outer", "outer", "outer", "pair", "family"]

/** The rows of c from here on are those of the transactions that are committed late. */
const lockedFrom = 4

type Commit = Omit<Acked, "key">

let pool: pg.Pool | undefined
let callers: Callers | undefined

// A connection that breaks while it is lent out has no other listener; the call that has it fails.
process.on("uncaughtException", () => {})
process.on("unhandledRejection", () => {})

const run = async (client: pg.Pool | pg.PoolClient, text: string, row: number): Promise<Commit> => {
  const { rows: [commit] } = await client.query<Commit & Record<string, unknown>>(text, [row])
  if (commit === undefined) throw new Error("a write found no row")
  return { version: commit.version, xid: commit.xid }
}

const transaction = async (
  group: Group,
  row: number,
  options: { readonly poisoned: boolean; readonly openMs: number; readonly sending: (version: number) => void }
): Promise<Commit | undefined> => {
  const client = await pool!.connect()
  let broken = true
  try {
    await client.query("begin")
    let commit: Commit | undefined
    for (const text of statements[group].each) {
      commit = await run(client, options.poisoned ? text.replace("v + 1", String(poison)) : text, row)
    }
    if (options.openMs > 0) await new Promise((resolve) => setTimeout(resolve, options.openMs))
    if (options.poisoned) await client.query("rollback")
    else {
      options.sending(commit!.version)
      await client.query("commit")
    }
    broken = false
    return options.poisoned ? undefined : commit
  } finally {
    client.release(broken)
  }
}

const write = (by: Callers, group: Group, long: number): Promise<void> => {
  // What is locked for long is left to those who do that: the others would all wait there.
  const [from, to] = group !== "outer" ? [0, rowCount] : long > 0 ? [lockedFrom, rowCount] : [0, lockedFrom]
  const row = from + Math.floor((to - from) * by.random())
  const kind = by.random()
  return by.write(keyOf(group, row), (sending) =>
    long > 0 || kind < 0.6
      ? transaction(group, row, { poisoned: long === 0 && kind < 0.2, openMs: long * by.random(), sending })
      : run(pool!, statements[group].alone, row))
}

const work = (by: Callers, load: OutsiderLoad): void =>
  by.start([
    // Several, so that one that waits for a row does not hold up everything.
    ...[0, 1, 2, 3].map(() => ({ pauseMs: load.writePauseMs * 4, call: () => write(by, by.pick(frequent), 0) })),
    { pauseMs: 2000, call: () => write(by, by.pick(groups), 0) },
    { pauseMs: load.longMs / 4, call: () => write(by, "outer", load.longMs) }
  ])

const done: Answer = { did: "done" }

const obey = async (command: Command): Promise<Answer | undefined> => {
  switch (command.do) {
    case "openOutsider":
      pool = new pg.Pool({ connectionString: command.url, max: 4, application_name: "outsider" })
      pool.on("error", () => {})
      callers = new Callers(new LogWriter(command.log, command.process), command.seed)
      return done
    case "work":
      if (callers !== undefined && command.outsider !== undefined) work(callers, command.outsider)
      return done
    case "report":
      callers?.log.flush()
      return {
        did: "done",
        report: {
          reads: 0,
          writes: 0,
          errors: {},
          ...callers?.report,
          counts: { hits: 0, misses: 0, bypasses: 0 },
          unhandled: []
        }
      }
    case "stop":
      await callers?.stop()
      callers?.log.flush()
      return done
    case "close":
      await pool?.end()
      return done
    default:
      return undefined
  }
}

listen(obey)
