/**
 * Why maintenance did not happen, when it is not the database that failed (`DbError`). Names, process ids and texts
 * without values.
 */
import * as Schema from "effect/Schema"

const actions = [
  "createIndexes",
  "analyzeTables",
  "vacuumTables",
  "optimizeStorage",
  "reindex",
  "dropIndex",
  "maintenance"
] as const

/**
 * - `createIndexes`: the indexes that must exist are there, valid and as they were defined.
 * - `analyzeTables`, `vacuumTables`: of the named tables, or of all.
 * - `optimizeStorage`: vacuum, analyze, and a rebuild of the bloated indexes.
 * - `reindex`, `dropIndex`: of the named indexes.
 * - `maintenance`: analyze what changed, vacuum what is due, repair invalid indexes.
 */
export type Action = (typeof actions)[number]

export const Action = Schema.Literals(actions)

/** A session that work waits for. */
export const Blocker = Schema.Struct({
  pid: Schema.Int,
  user: Schema.NullOr(Schema.String),
  application: Schema.NullOr(Schema.String),
  /** As in `pg_stat_activity`: `active`, `idle in transaction`, … */
  state: Schema.NullOr(Schema.String),
  /** When its transaction began; an ISO instant. */
  since: Schema.NullOr(Schema.String),
  /** Its last statement without values. */
  query: Schema.NullOr(Schema.String),
  /** `lock`: it holds one on the table that is in the way. `snapshot`: its transaction may still look at old rows. */
  holds: Schema.Literals(["lock", "snapshot"])
})
export type Blocker = typeof Blocker.Type

const reasons = {
  /** One runner works on a database at a time. */
  RunnerBusy: Schema.TaggedStruct("RunnerBusy", {
    pid: Schema.NullOr(Schema.Int),
    application: Schema.NullOr(Schema.String),
    /** Null while it plans, and of a runner that keeps no records. */
    action: Schema.NullOr(Schema.String),
    actor: Schema.NullOr(Schema.String),
    jobId: Schema.NullOr(Schema.String),
    /** An ISO instant. */
    since: Schema.NullOr(Schema.String)
  }),
  /** Another session was in the way for longer than all attempts took. */
  LockTimeout: Schema.TaggedStruct("LockTimeout", {
    object: Schema.String,
    attempts: Schema.Int,
    waitedMs: Schema.Finite,
    blockers: Schema.Array(Blocker),
    /** Invalid indexes that could not be removed; the next run removes them. */
    left: Schema.Array(Schema.String)
  }),
  UnknownObject: Schema.TaggedStruct("UnknownObject", {
    kind: Schema.Literals(["table", "index", "job"]),
    name: Schema.String,
    /** Names that are there and look like it, the nearest first. */
    nearest: Schema.Array(Schema.String)
  }),
  Unsupported: Schema.TaggedStruct("Unsupported", { object: Schema.String, because: Schema.String }),
  /** Somebody cancelled the job from another process. */
  Cancelled: Schema.TaggedStruct("Cancelled", { jobId: Schema.String })
}

export type MaintenanceReason = { readonly [Tag in keyof typeof reasons]: (typeof reasons)[Tag]["Type"] }[
  keyof typeof reasons
]

const blockerText = ({ application, pid, query, state }: Blocker): string =>
  `pid ${pid}${application ? ` (${application})` : ""}, ${state ?? "state unknown"}${query ? `: ${query}` : ""}`

const messageOf = (reason: MaintenanceReason): string => {
  switch (reason._tag) {
    case "RunnerBusy":
      return `${reason.action ?? "maintenance"} is running since ${reason.since ?? "a moment ago"}, by ` +
        (reason.actor ?? reason.application ?? "an unnamed application") +
        (reason.pid === null ? "" : ` (pid ${reason.pid})`)
    case "LockTimeout":
      return `${reason.object} was not free in ${reason.attempts} attempts, ${Math.round(reason.waitedMs)} ms: ` +
        (reason.blockers.length === 0 ? "nobody was seen" : reason.blockers.map(blockerText).join("; ")) +
        (reason.left.length === 0 ? "" : `; left invalid: ${reason.left.join(", ")}`)
    case "UnknownObject":
      return `there is no ${reason.kind} ${reason.name}` +
        (reason.nearest.length === 0 ? "" : `; did you mean ${reason.nearest.join(" or ")}?`)
    case "Unsupported":
      return `${reason.object}: ${reason.because}`
    case "Cancelled":
      return `job ${reason.jobId} was cancelled`
  }
}

export class MaintenanceError extends Schema.TaggedError<MaintenanceError>()("MaintenanceError", {
  reason: Schema.Union(Object.values(reasons)),
  action: Action
}) {
  static of(action: Action, reason: MaintenanceReason): MaintenanceError {
    return new MaintenanceError({ action, reason })
  }

  override get message(): string {
    return `${this.action}: ${messageOf(this.reason)}`
  }
}
