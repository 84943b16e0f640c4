/**
 * Jobs and their steps in `ems_internal`, one statement each, on a connection of the caller's. Where the tables were
 * not installed nothing is kept, and nothing fails.
 */
import * as Effect from "effect/Effect"
import { isHeld } from "../catalog/AdvisoryLock.ts"
import { internalSchema } from "../catalog/internalSchema.ts"
import { isoInstant } from "../catalog/ServerFacts.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import type { StepOutcome } from "./JobResult.ts"
import type { Action } from "./MaintenanceError.ts"
import type { MaintenancePlan, Step } from "./MaintenancePlan.ts"
import type { MaintenanceRequest } from "./MaintenanceRequest.ts"
import type { Progress } from "./Progress.ts"

/** Advisory lock of the one that runs maintenance: the first eight bytes of SHA-256("ems maintenance"). */
export const lockKey = "-103729019966691563"

/** `lost`: its process ended before it did. */
export type JobStatus = "running" | "done" | "failed" | "cancelled" | "lost"

export interface JobRow {
  readonly id: string
  readonly action: Action
  readonly status: JobStatus
  readonly actor: string | null
  readonly application: string
  readonly role: string
  /** The server process that holds the lock of its runner. */
  readonly pid: number
  /** ISO instants. */
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly request: MaintenanceRequest
  /** Null while it is being made. */
  readonly plan: MaintenancePlan | null
  /** As it was last written down. */
  readonly progress: Progress | null
  readonly result: unknown
  readonly error: { readonly message: string } | null
}

/** What a list of jobs shows. */
export type JobSummary =
  & Pick<JobRow, "id" | "action" | "status" | "actor" | "progress" | "error" | "finishedAt">
  & {
    readonly application: string | null
    /** Null of a job without a record. */
    readonly startedAt: string | null
  }

/** All that is known of one job; of one without a record no plan and no result. */
export type JobDetails = JobSummary & Partial<Pick<JobRow, "plan" | "result">>

export const job = `${internalSchema}.maintenance_job`
const step = `${internalSchema}.maintenance_step`

/** Whether records are kept here, and this role may write them. */
export const isInstalled = (connection: WireConnection): Effect.Effect<boolean, DbError> =>
  Effect.map(
    connection.rows<{ installed: boolean }>(
      `select coalesce(has_table_privilege(current_user, to_regclass('${job}'), 'insert, update, select'), false)
  and to_regclass('${internalSchema}.maintenance_step_kind') is not null and not pg_is_in_recovery() as installed`
    ),
    ([row]) => row?.installed === true
  )

/** Steps that an estimate looks back on, of each kind. */
const remembered = 50

/** Bytes a second of the last steps, by kind. */
export const throughput = (connection: WireConnection): Effect.Effect<ReadonlyMap<string, number>, DbError> =>
  Effect.gen(function*() {
    if (!(yield* isInstalled(connection))) return new Map<string, number>()
    const rows = yield* connection.rows<{ kind: string; speed: number }>(`
select kind, sum(bytes) / nullif(sum(duration_ms) / 1000, 0) as speed from (
  select kind, bytes, duration_ms, row_number() over (partition by kind order by finished_at desc) as nth
  from ${step} where outcome = 'done' and bytes > 0
) latest where nth <= ${remembered} group by kind having sum(duration_ms) > 0`)
    return new Map(rows.map(({ kind, speed }) => [kind, speed]))
  })

/** Notes the end of jobs whose process ended. For who holds the lock: nobody else can be running one. */
export const noteLost = (connection: WireConnection): Effect.Effect<void, DbError> =>
  Effect.asVoid(connection.rows(
    `update ${job} set status = 'lost', finished_at = clock_timestamp() where status = 'running'`
  ))

/** A job without a plan yet: who asks meanwhile is told what is being planned. */
export const begin = (
  connection: WireConnection,
  { jobId, ...request }: MaintenanceRequest
): Effect.Effect<string, DbError> =>
  Effect.flatMap(
    connection.rows<{ id: string }>(
      `insert into ${job} (id, action, request, actor)
values (coalesce($4::text::uuid, gen_random_uuid()), $1::text, $2::text::jsonb, $3::text) returning id::text as id`,
      [request.action, JSON.stringify(request), request.actor ?? null, jobId ?? null]
    ),
    ([row]) => row === undefined ? Effect.die(new Error("INSERT … RETURNING gave no row")) : Effect.succeed(row.id)
  )

export const planned = (connection: WireConnection, id: string, plan: MaintenancePlan): Effect.Effect<void, DbError> =>
  Effect.asVoid(connection.rows(
    `update ${job} set plan = $2::text::jsonb where id = $1::text::uuid`,
    [id, JSON.stringify(plan)]
  ))

/** Writes the progress, and says whether somebody wants the job to stop. */
export const report = (
  connection: WireConnection,
  id: string,
  progress: Progress
): Effect.Effect<boolean, DbError> =>
  Effect.map(
    connection.rows<{ cancel: boolean }>(
      `update ${job} set progress = $2::text::jsonb where id = $1::text::uuid returning cancel_requested as cancel`,
      [id, JSON.stringify(progress)]
    ),
    ([row]) => row?.cancel === true
  )

export const stepDone = (
  connection: WireConnection,
  id: string,
  at: number,
  { bytes, kind, object, schema, statements, undo }: Step,
  { durationMs, outcome, ...details }: StepOutcome
): Effect.Effect<void, DbError> =>
  Effect.asVoid(connection.rows(
    `insert into ${step} (job_id, at_step, kind, object, statements, undo, outcome, details, bytes, duration_ms)
values ($1::text::uuid, $2::text::int4, $3::text, $4::text, array(select jsonb_array_elements_text($5::text::jsonb)),
  $6::text, $7::text, $8::text::jsonb, $9::text::float8, $10::text::float8)
on conflict do nothing`,
    [
      id,
      String(at),
      kind,
      `${schema}.${object}`,
      JSON.stringify(statements),
      undo,
      outcome,
      JSON.stringify(details),
      String(bytes),
      String(durationMs)
    ]
  ))

export const finish = (
  connection: WireConnection,
  id: string,
  status: Exclude<JobStatus, "running" | "lost">,
  result: unknown,
  error: { readonly message: string } | null
): Effect.Effect<void, DbError> =>
  Effect.asVoid(connection.rows(
    `update ${job} set status = $2::text, result = $3::text::jsonb, error = $4::text::jsonb,
  finished_at = clock_timestamp() where id = $1::text::uuid`,
    [id, status, JSON.stringify(result ?? null), JSON.stringify(error)]
  ))

/** Of a job without its lock the process ended, whether or not another runner has noted it yet. */
const liveStatus = `case when status = 'running' and not exists (
    select from pg_locks l where l.pid = maintenance_job.pid and ${isHeld("l", lockKey)}
  ) then 'lost' else status end`
const columns = `id::text as id, action, ${liveStatus} as status, actor, application, role, pid,
  ${isoInstant("started_at")} as "startedAt", ${isoInstant("finished_at")} as "finishedAt",
  request, plan, progress, result, error`

/** Without the plan and what was done, which may be long. */
export const summaries = (
  connection: WireConnection,
  limit: number
): Effect.Effect<ReadonlyArray<JobSummary>, DbError> =>
  connection.rows<JobSummary>(
    `select id::text as id, action, ${liveStatus} as status, actor, application,
  ${isoInstant("started_at")} as "startedAt", ${isoInstant("finished_at")} as "finishedAt", progress, error
from ${job} order by started_at desc limit $1::text::int4`,
    [String(limit)]
  )

/** The last jobs, the latest first. */
export const list = (connection: WireConnection, limit: number): Effect.Effect<ReadonlyArray<JobRow>, DbError> =>
  connection.rows<JobRow>(`select ${columns} from ${job} order by started_at desc limit $1::text::int4`, [
    String(limit)
  ])

export const find = (connection: WireConnection, id: string): Effect.Effect<JobRow | undefined, DbError> =>
  Effect.map(
    connection.rows<JobRow>(`select ${columns} from ${job} where id::text = $1::text`, [id]),
    ([row]) => row
  )

/** Asks the process that runs the job to stop; it looks once a second. */
export const requestCancel = (connection: WireConnection, id: string): Effect.Effect<boolean, DbError> =>
  Effect.map(
    connection.rows(
      `update ${job} set cancel_requested = true where id::text = $1::text and status = 'running' returning 1 as one`,
      [id]
    ),
    ({ length }) => length > 0
  )

/** Steps that earlier runs of the same request finished before they ended early, as `kind object`. */
export const finishedEarlier = (
  connection: WireConnection,
  request: MaintenanceRequest,
  withinMs: number
): Effect.Effect<ReadonlySet<string>, DbError> =>
  Effect.map(
    connection.rows<{ done: string }>(
      `with latest as (
  select id, status from ${job} where request - 'actor' = $1::text::jsonb - 'actor' - 'jobId'
    and started_at > clock_timestamp() - $2::text::float8 * interval '1 millisecond'
  order by started_at desc limit 1
)
select s.kind || ' ' || s.object as done from ${step} s join latest j on j.id = s.job_id
where j.status in ('lost', 'cancelled', 'failed') and s.outcome in ('done', 'resumed')`,
      [JSON.stringify(request), String(withinMs)]
    ),
    (rows) => new Set(rows.map(({ done }) => done))
  )
