/**
 * One job from the lock to its record: plans under the lock, works table by table, watches, and writes down what was.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Scope } from "effect/Scope"
import type { Direct } from "../connection/Direct.ts"
import type { Backend } from "../driver/Capabilities.ts"
import type { DbError } from "../errors/DbError.ts"
import { reportOf, resumed } from "./JobReport.ts"
import type { JobResult, StepResult } from "./JobResult.ts"
import * as JobStore from "./JobStore.ts"
import type { Limits } from "./Limits.ts"
import { MaintenanceError } from "./MaintenanceError.ts"
import type { MaintenancePlan, Step } from "./MaintenancePlan.ts"
import type { MaintenanceRequest } from "./MaintenanceRequest.ts"
import { planOf, type PlanOptions } from "./planOf.ts"
import { acquire, type RunnerSession } from "./RunnerLock.ts"
import { read, type Situation } from "./Situation.ts"
import { runStep, type StepContext } from "./StepRun.ts"
import { Watch } from "./Watch.ts"
import { type JobListener, watching } from "./watching.ts"

/** An earlier run of the same request that ended early is gone on with for this long. Milliseconds. */
const resumeWithin = 3_600_000

/** What stays of a build whose process was killed ends within a second or two; somebody else's may take longer. */
const builderInterval = 200

export interface JobOptions extends PlanOptions {
  readonly limits: Limits
}

type Failure = DbError | MaintenanceError

let unrecorded = 0

/** Waits for builds that are under way: they look like what an interrupted one left. */
const awaitBuilders = (
  runner: RunnerSession,
  request: MaintenanceRequest,
  { indexes }: PlanOptions,
  backend: Backend,
  timeout: number
): Effect.Effect<Situation, DbError> =>
  Effect.gen(function*() {
    const until = (yield* Clock.currentTimeMillis) + timeout
    const names = request.action === "createIndexes"
      ? new Set(indexes.map(({ name }) => name))
      : request.action === "maintenance"
      ? undefined
      : new Set<string>()
    for (;;) {
      const situation = yield* runner.ask((connection) => read(connection, backend))
      const isBuilding = situation.indexes.some(({ builder, isLeftover, name }) =>
        builder !== null && (names === undefined || names.has(name) || (isLeftover && names.size > 0))
      )
      if (!isBuilding || (yield* Clock.currentTimeMillis) >= until) return situation
      yield* Effect.sleep(builderInterval)
    }
  })

/** Steps of one table in their order; those of different tables may run at the same time. */
const byTable = (steps: ReadonlyArray<Step>): ReadonlyArray<ReadonlyArray<readonly [at: number, step: Step]>> => {
  const tables = new Map<number, Array<readonly [number, Step]>>()
  steps.forEach((step, at) => {
    const those = tables.get(step.tableOid)
    if (those === undefined) tables.set(step.tableOid, [[at, step]])
    else those.push([at, step])
  })
  return [...tables.values()]
}

const bytesOf = (steps: ReturnType<typeof byTable>[number]): number =>
  steps.reduce((sum, [, { bytes }]) => sum + bytes, 0)

const work = (
  context: StepContext,
  request: MaintenanceRequest,
  jobId: string,
  plan: MaintenancePlan,
  finished: ReadonlySet<string>,
  results: Map<number, StepResult>,
  listener: JobListener
): Effect.Effect<void, Failure> => {
  const { runner, watch } = context
  const one = ([at, step]: readonly [number, Step]) =>
    Effect.gen(function*() {
      watch.begin(at)
      const outcome = finished.has(`${step.kind} ${step.schema}.${step.object}`)
        ? resumed
        : yield* runStep(context, step, at)
      watch.end(at)
      results.set(at, { step, ...outcome })
      if (runner.hasRecords) {
        yield* runner.ask((connection) => JobStore.stepDone(connection, jobId, at, step, outcome))
      }
      yield* listener.progressed(watch.snapshot(yield* Clock.currentTimeMillis, "running"))
    })
  const concurrency = runner.isOnly ? 1 : Math.min(2, Math.max(1, request.parallel ?? 1))
  const tables = byTable(plan.steps)
  const all = Effect.forEach(
    // The longest first, so that the others fit beside it.
    concurrency === 1 ? tables : tables.toSorted((a, b) => bytesOf(b) - bytesOf(a)),
    (steps) => Effect.forEach(steps, one, { discard: true }),
    { concurrency, discard: true }
  )
  return runner.isOnly ? all : Effect.raceFirst(all, watching(runner, watch, request, jobId, listener))
}

const statusOf = (exit: Exit.Exit<unknown, Failure>): "done" | "failed" | "cancelled" => {
  if (Exit.isSuccess(exit)) return "done"
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  const isCancelled = error?._tag === "MaintenanceError" && error.reason._tag === "Cancelled"
  return isCancelled || Cause.hasInterrupts(exit.cause) ? "cancelled" : "failed"
}

/** Runs a request. Fails with `RunnerBusy` at once when another process is at it. */
export const runJob = (
  direct: Direct,
  backend: Backend,
  request: MaintenanceRequest,
  options: JobOptions,
  listener: JobListener
): Effect.Effect<JobResult, Failure> =>
  Effect.scoped(Effect.gen(function*(): Effect.fn.Return<JobResult, Failure, Scope> {
    const { action } = request
    const startedAt = yield* Clock.currentTimeMillis
    const runner = yield* acquire(direct, backend, action)
    const { ask, hasRecords } = runner
    if (!hasRecords && request.jobId !== undefined) {
      return yield* MaintenanceError.of(action, {
        _tag: "Unsupported",
        object: "a job with an id of its own",
        because: "no records are kept in this database; emsdb init makes the tables"
      })
    }
    const finished = hasRecords && request.fresh !== true &&
        !["createIndexes", "maintenance", "dropIndex"].includes(action)
      ? yield* ask((connection) =>
        Effect.andThen(
          JobStore.noteLost(connection),
          JobStore.finishedEarlier(connection, request, resumeWithin)
        )
      )
      : new Set<string>()
    const jobId = hasRecords
      ? yield* ask((connection) => Effect.andThen(JobStore.noteLost(connection), JobStore.begin(connection, request)))
      : `unrecorded-${++unrecorded}`
    yield* listener.begun(jobId)
    let watch = new Watch(jobId, action, [], startedAt)
    let planned: MaintenancePlan | undefined
    const results = new Map<number, StepResult>()
    const body = Effect.gen(function*() {
      const situation = yield* awaitBuilders(runner, request, options, backend, options.limits.lockTimeout)
      const plan = yield* ask((connection) => planOf(connection, situation, request, options))
      if (hasRecords) yield* ask((connection) => JobStore.planned(connection, jobId, plan))
      watch = new Watch(jobId, action, plan.steps, startedAt)
      planned = plan
      const context = { runner, server: situation.server, action, limits: options.limits, watch }
      yield* work(context, request, jobId, plan, finished, results, listener)
      return reportOf(jobId, "done", plan, results, watch, (yield* Clock.currentTimeMillis) - startedAt)
    })
    return yield* Effect.onExit(body, (exit) =>
      Effect.gen(function*() {
        const status = statusOf(exit)
        const now = yield* Clock.currentTimeMillis
        const report = planned === undefined
          ? undefined
          : reportOf(jobId, status, planned, results, watch, now - startedAt)
        if (report !== undefined) yield* listener.ended(report)
        const progress = watch.snapshot(now, status)
        yield* listener.progressed(progress)
        if (!hasRecords) return
        const error = Exit.isSuccess(exit) ? undefined : Option.getOrUndefined(Exit.findErrorOption(exit))
        yield* ask((connection) =>
          Effect.andThen(
            JobStore.report(connection, jobId, progress),
            JobStore.finish(
              connection,
              jobId,
              status,
              report,
              error === undefined ? null : { message: error.message }
            )
          )
        ).pipe(
          // The session is lost: the next runner finds the job without its lock, and notes that.
          Effect.catch((error: DbError) => Effect.logWarning("the end of a job was not recorded", error.message))
        )
      }))
  }))
