/** Bun's own client; on Bun only. */
import { believesErrors, type Contender, type ContenderOptions } from "./Contender.ts"

export const open = async (options: ContenderOptions): Promise<Contender> => {
  const { SQL } = await import("bun")
  const sql = new SQL({
    url: options.url,
    tls: options.tls,
    max: options.max,
    connectionTimeout: options.connectTimeoutMs / 1000
  })
  return {
    insert: (row) => sql`insert into h (id, worker) values (${row.id}, ${row.worker})`.execute(),
    transaction: (row) => sql.begin((tx) => tx`insert into h (id, worker) values (${row.id}, ${row.worker})`),
    read: (id) => sql`select id, worker from h where id = ${id}`.execute(),
    statement: (text) => sql.unsafe(text).execute(),
    close: () => sql.close({ timeout: 1 }),
    outcome: believesErrors,
    interruptible: false
  }
}
