/** A `pg` pool as its documentation starts one. */
import pg from "pg"
import type { OpenOptions } from "../Subject.ts"

export const openPool = ({ max, url }: OpenOptions): pg.Pool => {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on("error", () => {})
  // One that is lent has no listener: a cut connection would end the run.
  pool.on("connect", (client) => client.on("error", () => {}))
  return pool
}
