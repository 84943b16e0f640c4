/** A `pg` pool of the size of ours. */
import pg from "pg"

export const openPool = (url: string): pg.Pool => {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  // `end` resolves before its sockets are closed; the server that goes then would crash the process.
  pool.on("error", () => {})
  pool.on("connect", (client) => client.on("error", () => {}))
  return pool
}
