/**
 * What the server is, in one row, and which extensions its database has.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { elapsedMs } from "./Elapsed.ts"
import { manual } from "./Finding.ts"
import { quoted } from "./Identifier.ts"
import { observedSince } from "./ObservedWindow.ts"
import { isoInstant } from "./ServerFacts.ts"

export interface ServerOverview {
  /** As Postgres says it: `18.4`. */
  readonly version: string
  readonly database: string
  readonly databaseBytes: number
  readonly encoding: string
  readonly collation: string
  readonly startedAt: string
  readonly uptimeMs: number
  readonly isStandby: boolean
  /** Sessions of clients at once, at most. */
  readonly maxConnections: number
  readonly sharedBuffersBytes: number
  readonly effectiveCacheBytes: number
  readonly workMemoryBytes: number
  readonly maintenanceMemoryBytes: number
  readonly walLevel: string
  /** Of blocks asked for, those found in shared buffers since `statisticsSince`; null when none was asked for. */
  readonly cacheHitShare: number | null
  readonly commits: number
  readonly rollbacks: number
  readonly deadlocks: number
  /** Written to files by sorts and joins that did not fit into memory. */
  readonly temporaryBytes: number
  readonly statisticsSince: string | null
}

const bytes = (setting: string): string => `pg_size_bytes(current_setting('${setting}'))::float8`

export const serverOverview: CatalogQuery<ServerOverview> = {
  name: "server-overview",
  notes: ({ isNeon }) =>
    isNeon ? ["shared buffers are small there: a miss may still be found in the local file cache"] : [],
  sql: (server) => `
select current_setting('server_version') as version, d.datname::text as database,
  pg_database_size(d.oid)::float8 as "databaseBytes", pg_encoding_to_char(d.encoding) as encoding,
  d.datcollate::text as collation, ${isoInstant("pg_postmaster_start_time()")} as "startedAt",
  ${elapsedMs("pg_postmaster_start_time()")} as "uptimeMs", pg_is_in_recovery() as "isStandby",
  current_setting('max_connections')::int4 as "maxConnections", ${bytes("shared_buffers")} as "sharedBuffersBytes",
  ${bytes("effective_cache_size")} as "effectiveCacheBytes", ${bytes("work_mem")} as "workMemoryBytes",
  ${bytes("maintenance_work_mem")} as "maintenanceMemoryBytes", current_setting('wal_level') as "walLevel",
  s.blks_hit::float8 / nullif(s.blks_hit + s.blks_read, 0) as "cacheHitShare",
  s.xact_commit::float8 as commits, s.xact_rollback::float8 as rollbacks, s.deadlocks::float8 as deadlocks,
  s.temp_bytes::float8 as "temporaryBytes", ${isoInstant(observedSince(server))} as "statisticsSince"
from pg_database d join pg_stat_database s on s.datid = d.oid
where d.datname = current_database()`
}

export interface ExtensionVersion {
  readonly name: string
  readonly installed: string
  /** What the server's files hold; null when they are gone. */
  readonly offered: string | null
  readonly schema: string
}

export const extensions: CatalogQuery<ExtensionVersion> = {
  name: "extensions",
  sql: () => `
select e.extname::text as name, e.extversion as installed, a.default_version as offered,
  n.nspname::text as schema
from pg_extension e
join pg_namespace n on n.oid = e.extnamespace
left join pg_available_extensions a on a.name = e.extname
order by 1`
}

export const extensionOutdatedCheck = checkOf({
  name: "extension-outdated",
  title: "Extensions older than their files",
  query: extensions,
  thresholds: {},
  judge: (rows) =>
    rows.filter(({ installed, offered }) => offered !== null && offered !== installed).map((row) => ({
      severity: "warn",
      object: { kind: "extension", name: row.name },
      summary: `${row.name} is ${row.installed}, and the server has ${row.offered}`,
      evidence: { installed: row.installed, offered: row.offered, schema: row.schema },
      impact: "Views and functions of the newer one are missing, such as columns of statistics",
      remediation: `alter extension ${quoted(row.name)} update;`,
      documentation: manual("sql-alterextension.html")
    }))
})
