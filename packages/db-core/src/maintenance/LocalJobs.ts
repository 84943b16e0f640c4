/**
 * The jobs of this process: one at a time, each with its progress for whoever asks, and a way to stop it.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { DbError } from "../errors/DbError.ts"
import type { JobReport, JobResult } from "./JobResult.ts"
import { type Action, MaintenanceError } from "./MaintenanceError.ts"
import type { MaintenanceRequest } from "./MaintenanceRequest.ts"
import type { Progress } from "./Progress.ts"
import type { JobListener } from "./watching.ts"

type Running = Effect.Effect<JobResult, MaintenanceError | DbError>

export interface LocalJobs {
  /** Runs a request, or fails with `RunnerBusy` while another one runs. `begun` hears its id. */
  readonly run: (request: MaintenanceRequest, begun?: (id: string) => Effect.Effect<unknown>) => Running
  /** A job that runs here, or one of the last that did. */
  readonly find: (id: string) => LocalJob | undefined
  /** Stops it, and ends when it has cleaned up; says whether it was still running. */
  readonly cancel: (job: LocalJob) => Effect.Effect<boolean>
}

export interface LocalJob {
  readonly id: string
  readonly action: Action
  readonly progress: SubscriptionRef.SubscriptionRef<Progress>
  /** Fails the job, whoever runs it. */
  readonly stop: Deferred.Deferred<never, MaintenanceError>
  readonly ended: Deferred.Deferred<void>
  /** Of one that has ended, and had a plan. */
  report: JobReport | undefined
}

interface Current {
  readonly request: MaintenanceRequest
  readonly since: number
  id: string | null
}

/** Jobs of this process whose progress can still be asked for. */
const remembered = 20

/** Before anything is known. */
export const beginning = (jobId: string, { action }: MaintenanceRequest): Progress => ({
  jobId,
  action,
  status: "running",
  percent: 0,
  etaMs: null,
  elapsedMs: 0,
  doneSteps: 0,
  steps: 0,
  current: []
})

/** `work` runs a job, and fails with `RunnerBusy` when another process is at it. */
export const make = Effect.fnUntraced(function*(
  applicationName: string,
  work: (request: MaintenanceRequest, listener: JobListener) => Running
) {
  const local = new Map<string, LocalJob>()
  const oneAtATime = yield* Semaphore.make(1)
  let current: Current | undefined

  const busy = ({ action }: MaintenanceRequest): MaintenanceError =>
    MaintenanceError.of(action, {
      _tag: "RunnerBusy",
      pid: null,
      application: applicationName,
      action: current?.request.action ?? null,
      actor: current?.request.actor ?? null,
      jobId: current?.id ?? null,
      since: current === undefined ? null : DateTime.formatIso(DateTime.makeUnsafe(current.since))
    })

  /** The sessions of this process are bounded: a second job would wait for one instead of being refused. */
  const alone = (request: MaintenanceRequest, listener: JobListener): Running =>
    Effect.flatMap(Clock.currentTimeMillis, (since) => {
      const own: Current = { request, since, id: null }
      return oneAtATime.withPermitsIfAvailable(1)(
        Effect.suspend(() => {
          current = own
          return Effect.ensuring(
            work(request, {
              ...listener,
              begun: (id) => {
                own.id = id
                return listener.begun(id)
              }
            }),
            Effect.sync(() => {
              current = undefined
            })
          )
        })
      )
    }).pipe(Effect.flatMap((found) => {
      if (found._tag === "Some") return Effect.succeed(found.value)
      const before = current?.id == null ? undefined : local.get(current.id)
      // Its end is known before its session is closed: who was told so and goes on at once is not to be refused.
      return before !== undefined && SubscriptionRef.getUnsafe(before.progress).status !== "running"
        ? Effect.andThen(Deferred.await(before.ended), alone(request, listener))
        : Effect.fail(busy(request))
    }))

  const run: LocalJobs["run"] = (request, begun = () => Effect.void) =>
    Effect.gen(function*() {
      const stop = yield* Deferred.make<never, MaintenanceError>()
      const ended = yield* Deferred.make<void>()
      let job: LocalJob | undefined
      const listener: JobListener = {
        begun: (id) =>
          Effect.flatMap(SubscriptionRef.make(beginning(id, request)), (progress) => {
            job = { id, action: request.action, progress, stop, ended, report: undefined }
            local.set(id, job)
            const [oldest] = local.keys()
            if (local.size > remembered && oldest !== undefined) local.delete(oldest)
            return begun(id)
          }),
        progressed: (progress) => job === undefined ? Effect.void : SubscriptionRef.set(job.progress, progress),
        ended: (report) =>
          Effect.sync(() => {
            if (job !== undefined) job.report = report
          })
      }
      return yield* Effect.raceFirst(alone(request, listener), Deferred.await(stop)).pipe(
        Effect.ensuring(Deferred.succeed(ended, undefined))
      )
    })

  return {
    run,
    find: (id) => local.get(id),
    cancel: ({ action, ended, id, stop }) =>
      Effect.suspend(() =>
        Deferred.isDoneUnsafe(ended)
          ? Effect.succeed(false)
          : Deferred.fail(stop, MaintenanceError.of(action, { _tag: "Cancelled", jobId: id })).pipe(
            Effect.andThen(Deferred.await(ended)),
            Effect.as(true)
          )
      )
  } satisfies LocalJobs
})
