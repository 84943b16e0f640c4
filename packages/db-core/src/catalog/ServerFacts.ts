/**
 * What a server is and what this role may see there: decides which catalog queries can be asked, and in which words.
 */
import * as Effect from "effect/Effect"
import type { Backend } from "../driver/Capabilities.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import { DbError } from "../errors/DbError.ts"
import { storeAllows } from "./objectSampleStore.ts"

export interface ServerFacts {
  /** As `server_version_num`: 180004 is 18.4. */
  readonly version: number
  /** What the way to it allows. */
  readonly backend: Backend
  readonly database: string
  readonly role: string
  readonly isSuperuser: boolean
  /** Sees what other roles' sessions do, and their statements: `pg_read_all_stats`. */
  readonly seesAllStats: boolean
  /** May scan tables for their statistics: `pg_stat_scan_tables`. */
  readonly scansTables: boolean
  /** It replays another server's log, and can only be read. */
  readonly isStandby: boolean
  /** Neon's storage: cumulative statistics end with each suspension of the compute. */
  readonly isNeon: boolean
  /** Object samples are kept in this database, and this role may read them. */
  readonly hasSamples: boolean
  /** Installed extensions: name, and the schema they are in. */
  readonly extensions: ReadonlyMap<string, { readonly schema: string; readonly version: string }>
  /** ISO instant. */
  readonly startedAt: string
}

/** Extensions as columns, in the same order. */
interface ServerFactsRow extends Omit<ServerFacts, "backend" | "extensions"> {
  readonly extensions: ReadonlyArray<string>
  readonly extensionSchemas: ReadonlyArray<string>
  readonly extensionVersions: ReadonlyArray<string>
}

/** How instants leave Postgres: text, so that no driver's idea of dates comes between. */
export const isoInstant = (expression: string): string =>
  `to_char((${expression}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

const serverFactsSql = `
select current_setting('server_version_num')::int4 as version,
  current_database()::text as database,
  current_user::text as role,
  r.rolsuper as "isSuperuser",
  pg_has_role(current_user, 'pg_read_all_stats', 'usage') as "seesAllStats",
  pg_has_role(current_user, 'pg_stat_scan_tables', 'usage') as "scansTables",
  pg_is_in_recovery() as "isStandby",
  current_setting('neon.tenant_id', true) is not null as "isNeon",
  ${storeAllows("select")} as "hasSamples",
  ${isoInstant("pg_postmaster_start_time()")} as "startedAt",
  array(select extname::text from pg_extension order by extname) as extensions,
  array(select extnamespace::regnamespace::text from pg_extension order by extname) as "extensionSchemas",
  array(select extversion from pg_extension order by extname) as "extensionVersions"
from pg_roles r
where r.rolname = current_user`

const factsOf = (
  { extensions, extensionSchemas, extensionVersions, ...row }: ServerFactsRow,
  backend: Backend
): ServerFacts => ({
  ...row,
  backend,
  extensions: new Map(
    extensions.map((name, at) => [name, {
      schema: extensionSchemas[at] ?? "public",
      version: extensionVersions[at] ?? ""
    }])
  )
})

export const readServerFacts = (connection: WireConnection, backend: Backend): Effect.Effect<ServerFacts, DbError> =>
  Effect.flatMap(connection.rows<ServerFactsRow>(serverFactsSql), ([row]) =>
    row === undefined
      ? Effect.fail(DbError.of("ServerError", "Refused", "catalog", { message: "the role is not in pg_roles" }))
      : Effect.succeed(factsOf(row, backend)))
