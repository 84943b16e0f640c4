/** What maintenance is asked for, what it would do, how far it is, and what it did. */
import * as Schema from "effect/Schema"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, IsoInstant, Milliseconds, Text } from "./Scalars.ts"

/**
 * - `createIndexes`: the indexes of the product are there, valid and as they were defined.
 * - `analyzeTables`, `vacuumTables`: of the named tables, or of all.
 * - `optimizeStorage`: vacuum, analyze, and a rebuild of the bloated indexes.
 * - `reindex`, `dropIndex`: of the named indexes.
 * - `maintenance`: analyze what changed, vacuum what is due, repair invalid indexes.
 */
export const MaintenanceAction = Schema.Literals([
  "createIndexes",
  "analyzeTables",
  "vacuumTables",
  "optimizeStorage",
  "reindex",
  "dropIndex",
  "maintenance"
])
export type MaintenanceAction = typeof MaintenanceAction.Type

/** From 0 to 100. */
const Percent = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))

/** A session that work waits for. */
const Blocker = Schema.Struct({
  pid: Schema.Int,
  user: Schema.NullOr(Schema.String),
  application: Schema.NullOr(Schema.String),
  /** As in `pg_stat_activity`. */
  state: Schema.NullOr(Schema.String),
  /** When its transaction began. */
  since: Schema.NullOr(IsoInstant),
  /** Its last statement without values. */
  query: Schema.NullOr(Schema.String),
  /** `lock`: on the table that is in the way. `snapshot`: its transaction may still look at old rows. */
  holds: Schema.Literals(["lock", "snapshot"])
})

export const MaintenanceStep = Schema.Struct({
  kind: Schema.Literals([
    "create-index",
    "rebuild-index",
    "reindex",
    "drop-index",
    "vacuum",
    "vacuum-full",
    "analyze"
  ]),
  schema: Text,
  /** The index, or the table of the kinds that work on one. */
  object: Text,
  table: Text,
  /** Run one after the other, each outside of transactions. */
  statements: Schema.Array(Text),
  /** Why it is to be done. */
  because: Text,
  /** The strongest lock on the table, such as `ShareUpdateExclusive`. */
  lock: Text,
  /** What cannot go on meanwhile. */
  blocks: Schema.Literals(["schema changes", "writes", "reads and writes"]),
  /** What is read or rebuilt. */
  bytes: Count,
  /** Additional space while it runs, at most. */
  diskBytes: Count,
  /** From what earlier steps of its kind took here; null when there were none. */
  estimatedMs: Schema.NullOr(Milliseconds),
  /** Who would be in its way now. */
  blockers: Schema.Array(Blocker),
  /** SQL that makes undone what it does; null where nothing has to, or can. */
  undo: Schema.NullOr(Text)
})

const IndexReport = Schema.Struct({
  schema: Text,
  name: Text,
  table: Text,
  state: Schema.Literals(["present", "missing", "invalid", "drifted", "extra", "building"]),
  /** Definitions; null where there is none. */
  expected: Schema.NullOr(Text),
  actual: Schema.NullOr(Text)
})

/** `--dry-run`: nothing was changed. */
export const MaintenancePlan = Schema.Struct({
  action: MaintenanceAction,
  steps: Schema.Array(MaintenanceStep),
  /** Of `createIndexes`; empty for others. */
  indexes: Schema.Array(IndexReport),
  /** What was left out, and why. */
  notes: Schema.Array(Text)
})
export type MaintenancePlan = typeof MaintenancePlan.Type

export const MaintenanceResult = Schema.Struct({
  jobId: Text,
  action: MaintenanceAction,
  /** `cancelled`: it was stopped before its end; what it had done stays. Without it, `done`. */
  status: Schema.optionalKey(Schema.Literals(["done", "failed", "cancelled"])),
  steps: Schema.Array(Schema.Struct({
    step: MaintenanceStep,
    /**
     * - `partly`: dead rows were left that somebody may still look at.
     * - `nothing`: the server skipped it, or there was nothing to do.
     * - `resumed`: an earlier run that ended early had done it.
     * - `cancelled`, `failed`: it was under way when the job ended early. `not begun`: it came after that.
     */
    outcome: Schema.Literals(["done", "partly", "nothing", "resumed", "cancelled", "failed", "not begun"]),
    durationMs: Milliseconds,
    attempts: Count,
    bytesBefore: Count,
    bytesAfter: Count,
    removedRows: Count,
    keptRows: Count,
    /** Who holds the kept rows back, the oldest first. */
    heldBackBy: Schema.Array(Schema.Struct({
      kind: Text,
      name: Schema.String,
      detail: Schema.NullOr(Schema.String),
      heldMs: Schema.NullOr(Milliseconds)
    })),
    note: Schema.NullOr(Text)
  })),
  indexes: Schema.Array(IndexReport),
  notes: Schema.Array(Text),
  durationMs: Milliseconds
})
export type MaintenanceResult = typeof MaintenanceResult.Type

export const MaintenanceProgress = Schema.Struct({
  jobId: Text,
  action: MaintenanceAction,
  status: Schema.Literals(["running", "done", "failed", "cancelled"]),
  /** Of all steps together. */
  percent: Percent,
  /** At the speed so far; null while nothing is known. */
  etaMs: Schema.NullOr(Milliseconds),
  elapsedMs: Milliseconds,
  doneSteps: Count,
  steps: Count,
  current: Schema.Array(Schema.Struct({
    /** From 1. */
    at: Count,
    object: Text,
    kind: Text,
    /** In Postgres's words. */
    phase: Text,
    percent: Percent,
    waitsFor: Schema.Array(Blocker)
  }))
})
export type MaintenanceProgress = typeof MaintenanceProgress.Type

/** Names as `name` or `schema.name`, as they are in the catalog; at most 100. */
const ObjectNames = Schema.Array(Text.check(Schema.isMaxLength(128))).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(100),
  Schema.isUnique()
)

/** `POST /api/db/maintenance`. */
export const MaintenanceRequest = Schema.Struct({
  action: MaintenanceAction,
  /** Default: all tables of users. */
  tables: Schema.optionalKey(ObjectNames),
  /** For `reindex` and `dropIndex`; limits `createIndexes` to these. */
  indexes: Schema.optionalKey(ObjectNames),
  /** `optimizeStorage` of the named tables with VACUUM FULL: nobody can use them meanwhile. Default false. */
  full: Schema.optionalKey(Schema.Boolean),
  /** `createIndexes` also rebuilds those that are not as defined. Default false. */
  rebuildDrifted: Schema.optionalKey(Schema.Boolean),
  /** Tables at a time. Default 1. */
  parallel: Schema.optionalKey(Schema.Literals([1, 2])),
  /** Also what an interrupted run of the same request had finished in the last hour. Default false. */
  fresh: Schema.optionalKey(Schema.Boolean),
  /** Only says what would be done. Default false. */
  dryRun: Schema.optionalKey(Schema.Boolean),
  /** For the audit log; 1 to 200 characters. */
  reason: Schema.optionalKey(Text.check(Schema.isMaxLength(200)))
})
export type MaintenanceRequest = typeof MaintenanceRequest.Type

/** A job in a list. */
export const MaintenanceJob = Schema.Struct({
  id: Text,
  action: MaintenanceAction,
  /** `lost`: the process that ran it ended before it did. */
  status: Schema.Literals(["running", "done", "failed", "cancelled", "lost"]),
  /** Who asked for it; null when nobody said. */
  actor: Schema.NullOr(Schema.String),
  /** Of the process that runs it. */
  application: Schema.NullOr(Schema.String),
  /** Null where no records are kept. */
  startedAt: Schema.NullOr(IsoInstant),
  /** Null while it runs. */
  finishedAt: Schema.NullOr(IsoInstant),
  /** As it was last written down; null before that. */
  percent: Schema.NullOr(Percent),
  /** Why it failed. */
  error: Schema.NullOr(Schema.String)
})
export type MaintenanceJob = typeof MaintenanceJob.Type

/** One job with all that is known of it. */
export const MaintenanceJobDetails = Schema.Struct({
  ...MaintenanceJob.fields,
  progress: Schema.NullOr(MaintenanceProgress),
  /** Null while it is being made, and where no records are kept. */
  plan: Schema.NullOr(MaintenancePlan),
  /** What became of its steps; null while it runs, when it ended before it had a plan, and of a lost one. */
  result: Schema.NullOr(MaintenanceResult)
})
export type MaintenanceJobDetails = typeof MaintenanceJobDetails.Type

export const MaintenanceJobsQuery = pageQuery(["startedAt", "finishedAt", "action", "status"])
export const MaintenanceJobs = pageOf(MaintenanceJob)

/** The job has begun. */
export const MaintenanceAccepted = Schema.Struct({
  job: MaintenanceJob,
  /** Paths: the job, its progress as Server-Sent Events, and where a DELETE cancels it. */
  links: Schema.Struct({ self: Text, events: Text, cancel: Text })
})
export type MaintenanceAccepted = typeof MaintenanceAccepted.Type
