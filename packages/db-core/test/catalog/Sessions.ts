/** Sessions beside the one that asks: each with a process of its own, ended with the test. */
import { connect } from "@ems/db-testing/Admin"
import { setTimeout as sleep } from "node:timers/promises"

export interface Session {
  readonly pid: number
  readonly run: (sql: string) => Promise<ReadonlyArray<Record<string, unknown>>>
  /** Sends it and does not wait; resolves when it waits for a lock. Its failure is nobody's. */
  readonly waits: (sql: string) => Promise<void>
}

/** Lends sessions called by their letters, and ends them all. */
export const withSessions = async <A>(
  url: string,
  names: ReadonlyArray<string>,
  body: (sessions: Readonly<Record<string, Session>>) => Promise<A>
): Promise<A> => {
  const oracle = await connect(url)
  const clients = await Promise.all(names.map(() => connect(url)))
  try {
    const sessions = await Promise.all(clients.map(async (client): Promise<Session> => {
      const { rows: [row] } = await client.query<{ pid: number }>("select pg_backend_pid() as pid")
      const pid = row!.pid
      return {
        pid,
        run: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
        waits: async (sql) => {
          let ended = false
          const finish = () => {
            ended = true
          }
          void client.query(sql).then(finish, finish)
          for (let tries = 0; tries < 500 && !ended; tries++) {
            const { rows } = await oracle.query(
              "select from pg_locks l left join pg_stat_activity a using (pid) "
                + "where not l.granted and l.waitstart is not null and $1 in (l.pid, a.leader_pid)",
              [pid]
            )
            if (rows.length > 0) return
            await sleep(10)
          }
          throw new Error(`it does not wait: ${sql}`)
        }
      }
    }))
    return await body(Object.fromEntries(names.map((name, at) => [name, sessions[at]!])))
  } finally {
    // By force: one that waits for a lock would otherwise end when it gets it.
    // A cast: `pg` keeps the process id of its session and does not declare it; one that waits cannot be asked for it.
    await oracle.query("select pg_terminate_backend(pid) from unnest($1::int[]) pid", [
      clients.map((client) => (client as unknown as { processID: number }).processID)
    ])
    await Promise.all(clients.map((client) => client.end().catch(() => {})))
    await oracle.end()
  }
}
