/**
 * Standbys and other receivers of the write-ahead log, how far they are behind, and the slots that keep the log for
 * them. A slot that nobody reads keeps it for ever, until the disk is full.
 */
import { sessionNotes } from "./ActivityText.ts"
import { type CatalogQuery, needsSessions } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { elapsedMs, inWords } from "./Elapsed.ts"
import { manual } from "./Finding.ts"
import { literal } from "./Literal.ts"

export interface Standby {
  readonly pid: number
  readonly application: string
  readonly user: string | null
  /** `streaming`, `catchup`, … Null where this role may not see it. */
  readonly state: string | null
  /** `async`, `potential`, `sync`, `quorum`. */
  readonly syncState: string | null
  /** Written here and not replayed there; null while it has not said. */
  readonly lagBytes: number | null
  /** Of these, not even sent. */
  readonly unsentBytes: number | null
  /** From the flush here to its replay there; null while nothing is written. */
  readonly replayLagMs: number | null
  readonly flushLagMs: number | null
  /** Since it last answered. */
  readonly answeredMs: number | null
}

const ms = (interval: string): string => `(extract(epoch from ${interval}) * 1000)::float8`

/** The end of the log here; a standby that feeds others has none of its own. */
const end = `case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end`

/** From a position to the end; null when there is none, which GREATEST would pass over. */
const behind = (position: string): string =>
  `case when ${position} is not null then greatest(pg_wal_lsn_diff(${end}, ${position}), 0)::float8 end`

export const standbys: CatalogQuery<Standby> = {
  name: "standbys",
  unavailable: needsSessions,
  notes: sessionNotes,
  sql: () => `
select r.pid, coalesce(r.application_name, '') as application, r.usename::text as "user", r.state,
  r.sync_state as "syncState", ${behind("r.replay_lsn")} as "lagBytes",
  ${behind("r.sent_lsn")} as "unsentBytes",
  ${ms("r.replay_lag")} as "replayLagMs", ${ms("r.flush_lag")} as "flushLagMs",
  ${elapsedMs("r.reply_time")} as "answeredMs"
from pg_stat_replication r
order by 2, 1`
}

export interface ReplicationSlot {
  readonly name: string
  readonly kind: "physical" | "logical"
  readonly plugin: string | null
  readonly database: string | null
  readonly isActive: boolean
  /** `reserved`, `extended`, `unreserved` (about to be lost), `lost`; null while it keeps nothing. */
  readonly walStatus: string | null
  /** Kept for it. */
  readonly retainedBytes: number | null
  /** Can still be written before it is lost; null without `max_slot_wal_keep_size`. */
  readonly safeBytes: number | null
  /** Since nobody reads it. From 17 on; null before, and while somebody does. */
  readonly inactiveMs: number | null
  /** From 17 on; null for a slot that works. */
  readonly invalidationReason: string | null
}

export const replicationSlots: CatalogQuery<ReplicationSlot> = {
  name: "replication-slots",
  unavailable: needsSessions,
  sql: ({ version }) => `
select s.slot_name::text as name, s.slot_type as kind, s.plugin::text as plugin, s.database::text as database,
  s.active as "isActive", s.wal_status as "walStatus",
  ${behind("s.restart_lsn")} as "retainedBytes",
  s.safe_wal_size::float8 as "safeBytes",
  ${version >= 170_000 ? elapsedMs("s.inactive_since") : "null::float8"} as "inactiveMs",
  ${version >= 170_000 ? "s.invalidation_reason" : "null::text"} as "invalidationReason"
from pg_replication_slots s
where not s.temporary
order by 1`
}

const source = "pganalyze, check \"Replication\": 100 MB and 1 GB"
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`

export const replicationLagCheck = checkOf({
  name: "replication-lag",
  title: "Standbys that are behind",
  query: standbys,
  thresholds: {
    warn: { value: 100e6, unit: "bytes", source },
    error: { value: 1e9, unit: "bytes", source }
  },
  judge: (rows, { limit }) =>
    rows.flatMap((row) => {
      const { application, lagBytes } = row
      if (lagBytes === null || lagBytes < limit("warn")) return []
      return [{
        severity: lagBytes >= limit("error") ? "error" : "warn",
        object: { kind: "server", name: application },
        summary: `standby ${application} is ${megabytes(lagBytes)} behind`,
        evidence: {
          lagBytes,
          unsentBytes: row.unsentBytes,
          replayLagMs: row.replayLagMs,
          state: row.state,
          syncState: row.syncState
        },
        impact: "Reads there are old, and a failover to it takes longer or loses what it has not got",
        remediation: null,
        documentation: manual("monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW")
      }]
    })
})

export const inactiveSlotCheck = checkOf({
  name: "inactive-slot",
  title: "Replication slots that nobody reads",
  query: replicationSlots,
  thresholds: {
    warn: { value: 100e6, unit: "bytes", source },
    error: { value: 1e9, unit: "bytes", source }
  },
  judge: (rows, { limit }) =>
    rows.filter(({ isActive }) => !isActive).map((row) => {
      const { inactiveMs, name, retainedBytes, walStatus } = row
      const retained = retainedBytes ?? 0
      const isLost = walStatus === "lost" || row.invalidationReason !== null
      return {
        severity: isLost
          ? "warn"
          : retained >= limit("error") || walStatus === "unreserved"
          ? "error"
          : retained >= limit("warn")
          ? "warn"
          : "info",
        object: { kind: "slot", name },
        summary: isLost
          ? `slot ${name} is lost: what its reader needs is gone`
          : `nobody reads slot ${name}${inactiveMs === null ? "" : ` for ${inWords(inactiveMs)}`}, and it keeps ${
            megabytes(retained)
          }`,
        evidence: {
          retainedBytes,
          safeBytes: row.safeBytes,
          inactiveMs,
          walStatus,
          invalidationReason: row.invalidationReason,
          plugin: row.plugin
        },
        impact: isLost
          ? "Its reader has to begin anew, and the slot is of no more use"
          : "The log it keeps grows until the disk is full; a logical one keeps dead rows of the catalogs too",
        remediation: `select pg_drop_replication_slot(${literal(name)});`,
        documentation: manual("view-pg-replication-slots.html")
      }
    })
})
