/** `GET /api/db/connections`: who has how many connections, and how many there may be. */
import * as Schema from "effect/Schema"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, ElapsedMs } from "./Scalars.ts"
import { unavailableParts } from "./Unavailable.ts"

export const ConnectionsQuery = pageQuery(["count", "newest", "oldest"])

export const ConnectionGroup = Schema.Struct({
  database: Schema.NullOr(Schema.String),
  user: Schema.NullOr(Schema.String),
  application: Schema.String,
  /** As in `pg_stat_activity`; null where the role that asks may not see it. */
  state: Schema.NullOr(Schema.String),
  count: Count,
  /** Since the state of the one that changed it last, and first. */
  newestStateMs: Schema.NullOr(ElapsedMs),
  oldestStateMs: Schema.NullOr(ElapsedMs)
})

export const ConnectionLimit = Schema.Struct({
  kind: Schema.Literals(["server", "role", "database"]),
  /** Empty for the server. */
  name: Schema.String,
  used: Count,
  /** For ordinary roles. */
  limit: Count,
  /** Of the server's: kept for superusers and for roles with `pg_use_reserved_connections`. */
  reserved: Count
})

export const Connections = Schema.Struct({
  ...pageOf(ConnectionGroup).fields,
  /** The server's, and those of roles and databases that have one: the first 200. */
  limits: Schema.Array(ConnectionLimit),
  unavailableParts: unavailableParts(["limits"])
})
export type Connections = typeof Connections.Type
