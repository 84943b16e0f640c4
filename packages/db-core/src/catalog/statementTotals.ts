/**
 * What `pg_stat_statements` has counted of this database's statements since it was last emptied.
 *
 * Its columns follow the version of the extension, which an upgraded server keeps until ALTER EXTENSION UPDATE.
 */
import { statementOf } from "../telemetry/Fingerprint.ts"
import { type CatalogQuery, needsExtension, type Unavailable, unavailable } from "./CatalogQuery.ts"
import { quoted } from "./Identifier.ts"
import { isoInstant, type ServerFacts } from "./ServerFacts.ts"

const extension = "pg_stat_statements"

/** The counters that we read, as columns of the extension's version. */
export interface StatementColumns {
  readonly sharedReadMs: string
  readonly sharedWriteMs: string
  readonly statsSince: string
}

/** Of the extension's version `1.11` the 11. */
const minorOf = (server: ServerFacts): number => Number(server.extensions.get(extension)?.version.split(".")[1] ?? 0)

/** 1.11 came with Postgres 17, and with it times of local blocks and the beginning of each entry. */
export const statementColumns = (server: ServerFacts): StatementColumns =>
  minorOf(server) >= 11
    ? { sharedReadMs: "shared_blk_read_time", sharedWriteMs: "shared_blk_write_time", statsSince: "stats_since" }
    : { sharedReadMs: "blk_read_time", sharedWriteMs: "blk_write_time", statsSince: "null::timestamptz" }

/** The schema that it was put in. */
export const statementsSchema = (server: ServerFacts): string =>
  quoted(server.extensions.get(extension)?.schema ?? "public")

export const needsStatements = (server: ServerFacts): Unavailable | undefined => {
  if (server.extensions.has(extension)) {
    return minorOf(server) < 9
      ? unavailable("version", `needs ${extension} 1.9 or later: alter extension ${extension} update`)
      : undefined
  }
  return server.backend === "embedded"
    ? unavailable("extension", `an embedded database does not load ${extension}`)
    : server.isNeon
    ? needsExtension(server, extension)
    : unavailable(
      "extension",
      `needs the extension ${extension}: add it to shared_preload_libraries, restart the server, `
        + `create extension ${extension}`
    )
}

export interface StatementTotals {
  /** Text: it is a number of 64 bits. Null for statements of others that this role may not see. */
  readonly queryId: string | null
  /** Of this role; null when it is gone. */
  readonly user: string | null
  /** Sent by a client, and not run by a function. */
  readonly isTopLevel: boolean
  readonly calls: number
  readonly totalMs: number
  readonly meanMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly stddevMs: number
  /** 0 unless `pg_stat_statements.track_planning` is on. */
  readonly planMs: number
  readonly rows: number
  readonly sharedHitBlocks: number
  readonly sharedReadBlocks: number
  readonly sharedDirtiedBlocks: number
  readonly sharedWrittenBlocks: number
  readonly tempReadBlocks: number
  readonly tempWrittenBlocks: number
  /** 0 unless `track_io_timing` is on. */
  readonly readMs: number
  readonly writeMs: number
  readonly walBytes: number
  /** From 17 on; null before. */
  readonly since: string | null
  /** Its normal form; null for statements of others that this role may not see. */
  readonly query: string | null
}

export const statementTotals: CatalogQuery<StatementTotals> = {
  name: "statement-totals",
  unavailable: needsStatements,
  notes: ({ seesAllStats }) =>
    seesAllStats ? [] : ["what other roles ran has no text: grant pg_read_all_stats to see it"],
  sql: (server) => {
    const columns = statementColumns(server)
    return `
select s.queryid::text as "queryId", r.rolname::text as "user", s.toplevel as "isTopLevel", s.calls::float8 as calls,
  s.total_exec_time as "totalMs", s.mean_exec_time as "meanMs", s.min_exec_time as "minMs",
  s.max_exec_time as "maxMs", s.stddev_exec_time as "stddevMs", s.total_plan_time as "planMs", s.rows::float8 as rows,
  s.shared_blks_hit::float8 as "sharedHitBlocks", s.shared_blks_read::float8 as "sharedReadBlocks",
  s.shared_blks_dirtied::float8 as "sharedDirtiedBlocks", s.shared_blks_written::float8 as "sharedWrittenBlocks",
  s.temp_blks_read::float8 as "tempReadBlocks", s.temp_blks_written::float8 as "tempWrittenBlocks",
  s.${columns.sharedReadMs} as "readMs", s.${columns.sharedWriteMs} as "writeMs", s.wal_bytes::float8 as "walBytes",
  ${isoInstant(columns.statsSince)} as since,
  case when s.query <> '<insufficient privilege>' then s.query end as query
from ${statementsSchema(server)}.pg_stat_statements s
left join pg_roles r on r.oid = s.userid
where s.dbid = (select oid from pg_database where datname = current_database())
order by s.total_exec_time desc, s.queryid, s.userid, s.toplevel
limit 1000`
  },
  // Utility statements keep their literals there.
  shown: (row) => ({ ...row, query: row.query === null ? null : statementOf(row.query).fingerprint.text })
}
