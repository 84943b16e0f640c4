/** Bare `pg`: a Pool with the one listener that its documentation asks for. */
import pg from "pg"
import { believesErrors, type Contender, type ContenderOptions } from "./Contender.ts"

export const openPool = (options: ContenderOptions, name: string): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: options.url,
    ssl: options.tls,
    max: options.max,
    connectionTimeoutMillis: options.connectTimeoutMs,
    query_timeout: options.deadlineMs,
    application_name: name
  })
  pool.on("error", () => {})
  return pool
}

export const open = async (options: ContenderOptions): Promise<Contender> => {
  const pool = openPool(options, "trust-pg")
  const insert = "insert into h (id, worker) values ($1, $2)"
  return {
    insert: (row) => pool.query(insert, [row.id, row.worker]),
    // As node-postgres' documentation writes a transaction.
    transaction: async (row) => {
      const client = await pool.connect()
      try {
        await client.query("BEGIN")
        await client.query(insert, [row.id, row.worker])
        await client.query("COMMIT")
      } catch (error) {
        await client.query("ROLLBACK")
        throw error
      } finally {
        client.release()
      }
    },
    read: (id) => pool.query("select id, worker from h where id = $1", [id]),
    statement: (text) => pool.query(text),
    close: () => pool.end(),
    outcome: believesErrors,
    interruptible: false
  }
}
