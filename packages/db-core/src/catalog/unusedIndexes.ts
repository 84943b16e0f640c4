/**
 * Indexes that nothing but writes has touched for as long as anybody knows, and that nothing needs.
 *
 * How long that is decides: counters begin anew with a reset, a crash and, on Neon, each suspension, and an index that
 * only the yearly report reads looks unused for most of the year. From Postgres 16 on the last scan is dated, and an
 * index counts as unused from then; before, one scan since the statistics began keeps it out.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { qualified } from "./Identifier.ts"
import { type IndexUsage, indexUsage } from "./indexUsage.ts"
import { daysSince, observedSince, scanNotes } from "./ObservedWindow.ts"
import { isoInstant } from "./ServerFacts.ts"

export interface UnusedIndex
  extends Pick<IndexUsage, "schema" | "table" | "name" | "definition" | "bytes" | "scans" | "lastScan" | "writes">
{
  readonly isPartitioned: boolean
  /** ISO instant since which scans are counted. */
  readonly observedSince: string
  readonly observedDays: number
  /** Since its last scan, or since scans are counted. */
  readonly unusedDays: number
  /** Servers that follow this one now and whose scans it does not count. */
  readonly replicas: number
}

export const unusedIndexes: CatalogQuery<UnusedIndex> = {
  name: "unused-indexes",
  notes: scanNotes,
  sql: (server) => `
with usage as (${indexUsage.sql(server)}),
observed as (select ${observedSince(server)} as since)
select u.schema, u."table", u.name, u.definition, u.bytes, u.scans, u."lastScan", u.writes, u."isPartitioned",
  ${isoInstant("o.since")} as "observedSince",
  ${daysSince("o.since")} as "observedDays",
  ${daysSince("greatest(o.since, u.\"lastScan\"::timestamptz)")} as "unusedDays",
  (select count(*) from pg_stat_replication)::int4 as replicas
from usage u cross join observed o
where u."isValid" and u.keep = '{}'
  and (u.scans = 0 or u."lastScan"::timestamptz < now() - interval '1 day')
order by u.bytes desc, 1, 2, 3`
}

const days = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} days`

export const unusedIndexCheck = checkOf({
  name: "unused-index",
  title: "Indexes that no query reads",
  query: unusedIndexes,
  thresholds: {
    days: { value: 35, unit: "days", source: "pganalyze: no scan for 35 days, so a monthly job is in it" },
    minimumDays: { value: 7, unit: "days", source: "ours: less than a week has not seen the weekly jobs" },
    bytes: { value: 32_768, unit: "bytes", source: "pganalyze: smaller ones cost next to nothing" }
  },
  judge: (rows, { limit, server }) =>
    rows.flatMap((row) => {
      const { bytes, definition, isPartitioned, lastScan, name, observedDays, observedSince, replicas, scans, schema } =
        row
      if (bytes < limit("bytes") || row.unusedDays < limit("minimumDays")) return []
      const isLongEnough = row.unusedDays >= limit("days")
      const watched = isLongEnough ? "" : `; that is too short a time to drop it (${limit("days")} days)`
      return [{
        severity: isLongEnough ? "warn" : "info",
        object: { kind: "index", name: `${schema}.${name}` },
        summary: `No scan of ${schema}.${name} on ${schema}.${row.table} for ${days(row.unusedDays)}${watched}`,
        evidence: {
          table: `${schema}.${row.table}`,
          bytes,
          scans,
          lastScan,
          writes: row.writes,
          observedSince,
          observedDays,
          unusedDays: row.unusedDays,
          isWatchedLongEnough: isLongEnough,
          countsReplicas: false,
          replicas,
          isStandby: server.isStandby,
          definition
        },
        impact: `Every insert, and every update that is not HOT, writes to it, VACUUM reads it, and it takes room in ` +
          `the cache${replicas > 0 || server.isStandby ? "; scans on other servers are not counted here" : ""}`,
        remediation: `drop index ${isPartitioned ? "" : "concurrently "}${qualified(schema, name)};`,
        documentation: manual("monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW")
      }]
    })
})
