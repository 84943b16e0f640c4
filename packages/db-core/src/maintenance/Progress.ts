/**
 * How far a job is: from the server's progress views, phase by phase.
 *
 * The share of the time that each phase takes was measured on Postgres 18 with 1,000,000 rows of about 110 bytes, keys of
 * 4 and of 32 bytes; it differs with rows, keys and memory, so a phase may seem to hurry or to linger. The percentage
 * never goes back.
 */
import * as Effect from "effect/Effect"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import type { Action, Blocker } from "./MaintenanceError.ts"

/** What is worked on now. */
export interface CurrentStep {
  /** From 1. */
  readonly at: number
  /** As `schema.name`. */
  readonly object: string
  readonly kind: string
  /** Postgres's own words, or `waiting for other sessions`, `starting`, `removing what was left`. */
  readonly phase: string
  readonly percent: number
  /** Who it waits for. */
  readonly waitsFor: ReadonlyArray<Blocker>
}

export interface Progress {
  readonly jobId: string
  readonly action: Action
  readonly status: "running" | "done" | "failed" | "cancelled"
  /** Of all steps together, weighed by bytes; 0 to 100. */
  readonly percent: number
  /** Milliseconds to go at the speed so far; null while nothing is known. */
  readonly etaMs: number | null
  readonly elapsedMs: number
  readonly doneSteps: number
  readonly steps: number
  readonly current: ReadonlyArray<CurrentStep>
}

interface Share {
  readonly from: number
  readonly to: number
  /** What counts in it. */
  readonly by?: "blocks" | "tuples"
}

/** Phases by the beginning of their names; a longer one comes before a shorter one that begins it. */
const phases: ReadonlyArray<readonly [phase: string, share: Share]> = [
  // pg_stat_progress_create_index
  ["waiting for writers before build", { from: 0, to: 0 }],
  ["building index: scanning table", { from: 0, to: 34, by: "blocks" }],
  ["building index: sorting live tuples", { from: 34, to: 50 }],
  ["building index: loading tuples in tree", { from: 50, to: 65, by: "tuples" }],
  ["building index", { from: 0, to: 65, by: "blocks" }],
  ["waiting for writers before validation", { from: 65, to: 65 }],
  ["index validation: scanning index", { from: 65, to: 74, by: "blocks" }],
  ["index validation: sorting tuples", { from: 74, to: 90 }],
  ["index validation: scanning table", { from: 90, to: 98, by: "blocks" }],
  ["waiting for old snapshots", { from: 98, to: 98 }],
  ["waiting for readers before marking dead", { from: 99, to: 99 }],
  ["waiting for readers before dropping", { from: 99, to: 99 }],
  // pg_stat_progress_vacuum
  ["scanning heap", { from: 0, to: 40, by: "blocks" }],
  ["vacuuming indexes", { from: 40, to: 78 }],
  ["vacuuming heap", { from: 78, to: 96, by: "tuples" }],
  ["cleaning up indexes", { from: 96, to: 97 }],
  ["truncating heap", { from: 97, to: 98 }],
  ["performing final cleanup", { from: 98, to: 100 }],
  // pg_stat_progress_analyze
  ["acquiring sample rows", { from: 0, to: 80, by: "blocks" }],
  ["acquiring inherited sample rows", { from: 0, to: 80, by: "blocks" }],
  ["computing", { from: 80, to: 98 }],
  ["finalizing analyze", { from: 98, to: 100 }],
  // pg_stat_progress_cluster
  ["seq scanning heap", { from: 0, to: 33, by: "blocks" }],
  ["writing new heap", { from: 33, to: 34 }],
  ["swapping relation files", { from: 34, to: 35 }],
  ["rebuilding index", { from: 35, to: 98 }]
]

export interface ProgressRow {
  readonly pid: number
  readonly phase: string
  readonly blocksDone: number
  readonly blocksTotal: number
  readonly tuplesDone: number
  readonly tuplesTotal: number
}

/** How much of its statement a process has done, by what the server says of it: 0 to 100. */
export const percentOf = (row: Omit<ProgressRow, "pid">): number => {
  const share = phases.find(([phase]) => row.phase.startsWith(phase))?.[1]
  if (share === undefined) return 0
  const [done, total] = share.by === "blocks"
    ? [row.blocksDone, row.blocksTotal]
    : share.by === "tuples"
    ? [row.tuplesDone, row.tuplesTotal]
    : [0, 0]
  const inside = total <= 0 ? 0 : Math.min(1, done / total)
  return share.from + (share.to - share.from) * inside
}

/** VACUUM FULL is in the view of CLUSTER, and also ANALYZE follows VACUUM in one statement: both are asked. */
const progressSql = `
with mine as (select unnest(string_to_array($1::text, ',')::int4[]) as pid)
select pid, phase, blocks_done::float8 as "blocksDone", blocks_total::float8 as "blocksTotal",
  tuples_done::float8 as "tuplesDone", tuples_total::float8 as "tuplesTotal"
from pg_stat_progress_create_index where pid in (select pid from mine)
union all
select pid, phase, heap_blks_scanned, heap_blks_total, heap_blks_vacuumed, heap_blks_total
from pg_stat_progress_vacuum where pid in (select pid from mine)
union all
select pid, phase, sample_blks_scanned, sample_blks_total, 0, 0
from pg_stat_progress_analyze where pid in (select pid from mine)
union all
select pid, phase, heap_blks_scanned, heap_blks_total, 0, 0
from pg_stat_progress_cluster where pid in (select pid from mine)`

/** What the server says of its processes `pids`. Nothing of one that is between phases. */
export const read = (
  connection: WireConnection,
  pids: ReadonlyArray<number>
): Effect.Effect<ReadonlyArray<ProgressRow>, DbError> =>
  pids.length === 0 ? Effect.succeed([]) : connection.rows<ProgressRow>(progressSql, [pids.join()])
