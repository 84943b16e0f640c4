/**
 * Which server a session is on: tells whether two ways lead to the same one, and whether two sessions were lent the same
 * server session.
 *
 * A standby has the system identifier of its primary, and each of the two its own time of start.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { isoInstant } from "./ServerFacts.ts"

export interface ServerIdentity {
  /** Of the server's process for this session, whatever a proxy made of it. */
  readonly pid: number
  /** Of the cluster, made by initdb; with all 64 bits, so as text. */
  readonly systemIdentifier: string
  readonly startedAt: string
  readonly isStandby: boolean
  readonly database: string
  /** A database that was dropped and made again has the same name and another oid. */
  readonly databaseOid: number
}

export const serverIdentity: CatalogQuery<ServerIdentity> = {
  name: "server-identity",
  sql: () => `
select pg_backend_pid() as pid, (select system_identifier from pg_control_system())::text as "systemIdentifier",
  ${isoInstant("pg_postmaster_start_time()")} as "startedAt", pg_is_in_recovery() as "isStandby",
  d.datname::text as database, d.oid::int8::float8 as "databaseOid"
from pg_database d
where d.datname = current_database()`
}
