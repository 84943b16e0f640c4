/**
 * Maintenance of a database: builds indexes, vacuums, analyses and rebuilds, one job at a time, each with a plan
 * first and a record after. Writers and readers go on meanwhile, but for VACUUM FULL, which is done only to tables
 * that are named.
 *
 * Who runs a job holds an advisory lock past the pooler. A job that is cancelled, or whose process is killed, leaves
 * what the next run finds and goes on with: plans are made from the catalog each time.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { DbConfig } from "../config/DbConfig.ts"
import { StatementRunner } from "../connection/StatementRunner.ts"
import { Driver } from "../driver/Driver.ts"
import type { WireConnection } from "../driver/WireConnection.ts"
import type { DbError } from "../errors/DbError.ts"
import type { JobReport, JobResult } from "./JobResult.ts"
import { runJob } from "./JobRun.ts"
import * as JobStore from "./JobStore.ts"
import { defaultLimits, type Limits } from "./Limits.ts"
import * as LocalJobs from "./LocalJobs.ts"
import { MaintenanceError } from "./MaintenanceError.ts"
import type { MaintenancePlan } from "./MaintenancePlan.ts"
import type { MaintenanceRequest } from "./MaintenanceRequest.ts"
import { planOf, type PlanOptions } from "./planOf.ts"
import type { Progress } from "./Progress.ts"
import { read } from "./Situation.ts"

export interface MaintenanceOptions extends PlanOptions {
  readonly limits?: Partial<Limits> | undefined
}

export interface Job {
  readonly id: string
  /** What became of it; interrupting who waits does not stop it. */
  readonly result: Effect.Effect<JobResult, MaintenanceError | DbError>
  /**
   * What became of each step, when it has ended, also early: what is done, what was under way, what was not begun.
   * Undefined while it runs, and of one that ended before it had a plan.
   */
  readonly report: Effect.Effect<JobReport | undefined>
}

export class Maintenance extends Context.Service<Maintenance, {
  /** What a request would do, and who is in its way now. Changes nothing. Within `DbConfig.queryTimeout`. */
  readonly plan: (request: MaintenanceRequest) => Effect.Effect<MaintenancePlan, MaintenanceError | DbError>
  /**
   * Does it, and ends when it is done. Fails with `RunnerBusy` at once when somebody is at it. Interrupting cancels
   * the statement at the server and removes what it left.
   */
  readonly run: (request: MaintenanceRequest) => Effect.Effect<JobResult, MaintenanceError | DbError>
  /** The same in the background: ends when the job has begun. It goes on until the data layer is closed. */
  readonly start: (request: MaintenanceRequest) => Effect.Effect<Job, MaintenanceError | DbError>
  /**
   * How far a job is: what is known at once, then as it changes, four times a second, once a second for a job of
   * another process. Ends with the job. Fails with `UnknownObject`.
   */
  readonly progress: (jobId: string) => Stream.Stream<Progress, MaintenanceError | DbError>
  /** The last jobs with their records, the latest first; at most `limit`, default 50. None where none are kept. */
  readonly jobs: (limit?: number) => Effect.Effect<ReadonlyArray<JobStore.JobRow>, DbError>
  /** The last jobs in short, the latest first; at most `limit`, default 50. None where none are kept. */
  readonly summaries: (limit?: number) => Effect.Effect<ReadonlyArray<JobStore.JobSummary>, DbError>
  /** One job, its plan and what it did. Fails with `UnknownObject`. */
  readonly job: (jobId: string) => Effect.Effect<JobStore.JobDetails, MaintenanceError | DbError>
  /**
   * Stops a job, also one of another process, within about a second. Says whether there was anything to stop; ends when
   * one of this process has cleaned up.
   */
  readonly cancel: (jobId: string) => Effect.Effect<boolean, DbError>
}>()("@ems/db-core/maintenance/Maintenance") {
  static readonly layerNoDeps = (options: MaintenanceOptions) => Layer.effect(Maintenance, make(options))
}

/** Between two looks at the record of another process's job. Milliseconds. */
const foreignInterval = 1000

/** Somebody wanted it to. */
const isCancelled = (cause: Cause.Cause<MaintenanceError | DbError>): boolean =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => false,
    onSome: ({ reason }) => reason._tag === "Cancelled"
  })

const make = Effect.fnUntraced(function*(given: MaintenanceOptions) {
  const { applicationName, queryTimeout } = yield* DbConfig
  const { direct, statements, within } = yield* StatementRunner
  const { capabilities: { backend, sessionState } } = yield* Driver
  const scope = yield* Effect.scope
  const options = { ...given, limits: { ...defaultLimits, ...given.limits } }
  const jobs = yield* LocalJobs.make(
    applicationName,
    (request, listener) => runJob(direct, backend, request, options, listener)
  )

  const lent = <A, E>(use: (connection: WireConnection) => Effect.Effect<A, E>): Effect.Effect<A, E | DbError> =>
    within(Effect.scoped(Effect.flatMap(statements.quiet, use)), queryTimeout)

  /** Asks the records, where there are any. */
  const recorded = <A, B>(
    use: (connection: WireConnection) => Effect.Effect<A, DbError>,
    otherwise: B
  ): Effect.Effect<A | B, DbError> =>
    lent((connection) =>
      Effect.flatMap(
        JobStore.isInstalled(connection),
        (isInstalled): Effect.Effect<A | B, DbError> => isInstalled ? use(connection) : Effect.succeed(otherwise)
      )
    )

  const unknown = (jobId: string) =>
    MaintenanceError.of("maintenance", { _tag: "UnknownObject", kind: "job", name: jobId.slice(0, 64), nearest: [] })

  /** What the job's own process writes down. */
  const foreign = (jobId: string): Stream.Stream<Progress, MaintenanceError | DbError> =>
    Stream.fromEffectRepeat(Effect.gen(function*() {
      const row = yield* recorded((connection) => JobStore.find(connection, jobId), undefined)
      if (row === undefined) return yield* unknown(jobId)
      const status = row.status === "lost" ? "failed" : row.status
      return { ...LocalJobs.beginning(jobId, row.request), ...row.progress, status }
    })).pipe(
      Stream.takeUntil(({ status }) => status !== "running"),
      Stream.mapEffect((progress) =>
        progress.status === "running"
          ? Effect.as(Effect.sleep(foreignInterval), progress)
          : Effect.succeed(progress)
      )
    )

  return {
    plan: (request) =>
      // Temporary tables of a transaction: a pooler keeps its session for that long.
      lent((connection) =>
        Effect.gen(function*() {
          const { session } = connection
          if (sessionState && session.access !== "write") {
            yield* connection.execute("raw", "set default_transaction_read_only = off", [], false)
            session.access = "write"
          }
          return yield* planOf(connection, yield* read(connection, backend), request, options)
        })
      ),
    run: (request) => jobs.run(request),
    start: (request) =>
      Effect.gen(function*() {
        const begun = yield* Deferred.make<string, MaintenanceError | DbError>()
        const fiber = yield* jobs.run(request, (id) => Deferred.succeed(begun, id)).pipe(
          // Who starts it is told; once it has begun the logs are.
          Effect.tapCause((cause) =>
            Effect.flatMap(Deferred.failCause(begun, cause), (wasFirst) =>
              wasFirst || Cause.hasInterruptsOnly(cause) || isCancelled(cause)
                ? Effect.void
                : Effect.logWarning("a job of maintenance failed", cause))
          ),
          Effect.forkIn(scope)
        )
        const id = yield* Deferred.await(begun)
        const job = jobs.find(id)
        return {
          id,
          result: Fiber.join(fiber),
          report: Effect.sync(() =>
            job?.report
          )
        }
      }),
    progress: (jobId) => {
      const job = jobs.find(jobId)
      return job === undefined
        ? foreign(jobId)
        : Stream.takeUntil(SubscriptionRef.changes(job.progress), ({ status }) => status !== "running")
    },
    jobs: (limit = 50) => recorded((connection) => JobStore.list(connection, limit), []),
    summaries: (limit = 50) => recorded((connection) => JobStore.summaries(connection, limit), []),
    job: (jobId) =>
      Effect.gen(function*() {
        const row = yield* recorded((connection) => JobStore.find(connection, jobId), undefined)
        if (row !== undefined) return row
        const local = jobs.find(jobId)
        if (local === undefined) return yield* unknown(jobId)
        const progress = yield* SubscriptionRef.get(local.progress)
        return {
          id: jobId,
          action: local.action,
          status: progress.status,
          actor: null,
          application: applicationName,
          startedAt: null,
          finishedAt: null,
          progress,
          result: local.report,
          error: null
        }
      }),
    cancel: (jobId) => {
      const job = jobs.find(jobId)
      if (job !== undefined) return jobs.cancel(job)
      return recorded((connection) => JobStore.requestCancel(connection, jobId), false)
    }
  } satisfies Maintenance["Service"]
})
