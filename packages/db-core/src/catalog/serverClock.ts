/** The time by the server's clock, to compare with ours. */
import type { CatalogQuery } from "./CatalogQuery.ts"

export interface ServerClock {
  /** Milliseconds since the epoch, when the statement ran and not when its transaction began. */
  readonly nowMs: number
}

export const serverClock: CatalogQuery<ServerClock> = {
  name: "server-clock",
  sql: () => `select extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"`
}
