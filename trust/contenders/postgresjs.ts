/** `postgres` (postgres.js). It knows no timeout of a query. */
import postgres from "postgres"
import { believesErrors, type Contender, type ContenderOptions } from "./Contender.ts"

export const open = async (options: ContenderOptions): Promise<Contender> => {
  const sql = postgres(options.url, {
    ssl: options.tls ? "verify-full" : false,
    max: options.max,
    connect_timeout: options.connectTimeoutMs / 1000,
    connection: { application_name: "trust-postgres" },
    onnotice: () => {}
  })
  return {
    insert: (row) => sql`insert into h (id, worker) values (${row.id}, ${row.worker})`.execute(),
    transaction: (row) => sql.begin((tx) => tx`insert into h (id, worker) values (${row.id}, ${row.worker})`),
    read: (id) => sql`select id, worker from h where id = ${id}`.execute(),
    statement: (text) => sql.unsafe(text).execute(),
    close: () => sql.end({ timeout: 1 }),
    outcome: believesErrors,
    interruptible: false
  }
}
