/** Who does maintenance for a command: the data layer of this process, or an API's. */
import type { JobReport } from "@ems/db-core/maintenance/JobResult"
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import type { MaintenanceRequest } from "@ems/db-core/maintenance/MaintenanceRequest"
import type { Progress } from "@ems/db-core/maintenance/Progress"
import {
  MaintenanceAccepted,
  type MaintenanceJobDetails,
  MaintenanceJobDetails as JobDetails,
  MaintenancePlan,
  MaintenanceProgress,
  type MaintenanceResult
} from "@ems/schema/contract/Maintenance"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Api } from "../api/Api.ts"
import { ApiError } from "../api/ApiError.ts"

export interface StartedJob<E> {
  /** How far it is; ends with the job. */
  readonly progress: Stream.Stream<Progress, unknown>
  /** Ends when it is done, fails when it is not; an interruption cancels it and waits until it has cleaned up. */
  readonly end: Effect.Effect<void, E>
  /** What became of its steps when it has ended; nothing when it had no plan. */
  readonly result: Effect.Effect<MaintenanceResult | undefined, E>
}

export interface MaintenanceRunner<E> {
  readonly plan: (request: MaintenanceRequest) => Effect.Effect<MaintenancePlan, E>
  readonly start: (request: MaintenanceRequest) => Effect.Effect<StartedJob<E>, E>
}

const resultOf = (
  { durationMs, indexes, jobId, notes, status, steps }: JobReport,
  action: MaintenanceRequest["action"]
): MaintenanceResult => ({ jobId, action, status, steps, indexes, notes, durationMs })

export const ofDatabase = Effect.map(Maintenance, (maintenance) => ({
  plan: maintenance.plan,
  start: (request: MaintenanceRequest) =>
    Effect.map(maintenance.start({ ...request, actor: "emsdb" }), (job) => ({
      progress: maintenance.progress(job.id),
      end: Effect.onInterrupt(Effect.asVoid(job.result), () => Effect.ignore(maintenance.cancel(job.id))),
      result: Effect.map(job.report, (report) => report === undefined ? undefined : resultOf(report, request.action))
    }))
}))

/** Between two looks at a job. */
const interval = "500 millis"

/** An API that is restarted, or a way to it that is gone for a while: the job goes on or is lost, and both are told. */
const patience = {
  schedule: Schedule.spaced("1 second"),
  times: 30,
  while: ({ kind }: ApiError) => kind === "Unreachable"
}

const decodeProgress = Schema.decodeUnknownEffect(Schema.fromJsonString(MaintenanceProgress))

/** The data of the events in a text that comes in pieces. `Sse.decode` ends at the server's word on when to come back. */
const eventReader = () => {
  let found: Array<string> = []
  const parser = Sse.makeParser((event) => {
    if (event._tag === "Event") found.push(event.data)
  })
  return (text: string): ReadonlyArray<string> => {
    found = []
    parser.feed(text)
    return found
  }
}

const failure = ({ error, status }: MaintenanceJobDetails): ApiError =>
  new ApiError({
    kind: "Problem",
    reason: status === "cancelled" ? "Cancelled" : "MaintenanceFailed",
    status: null,
    text: error ?? `the job is ${status}`
  })

export const ofApi = ({ ask, send }: Api): MaintenanceRunner<ApiError> => {
  const path = "api/db/maintenance"
  const post = { method: "POST", path } as const
  const bodyOf = ({ action, full, indexes, parallel, rebuildDrifted, tables }: MaintenanceRequest) => ({
    action,
    ...(tables === undefined ? {} : { tables }),
    ...(indexes === undefined ? {} : { indexes }),
    ...(full === undefined ? {} : { full }),
    ...(rebuildDrifted === undefined ? {} : { rebuildDrifted }),
    ...(parallel === undefined ? {} : { parallel })
  })

  const started = (id: string): StartedJob<ApiError> => {
    const job = `${path}/jobs/${encodeURIComponent(id)}`
    const ended = Effect.retry(ask(JobDetails, { path: job }), patience).pipe(
      Effect.repeat({ schedule: Schedule.spaced(interval), until: ({ status }) => status !== "running" })
    )
    const cancelled = Effect.andThen(Effect.ignore(send({ method: "DELETE", path: job })), Effect.ignore(ended))
    return {
      progress: Stream.unwrap(Effect.map(send({ path: `${job}/events` }), ({ stream }) => {
        const eventsOf = eventReader()
        return Stream.flatMap(Stream.decodeText(stream), (text) => Stream.fromIterable(eventsOf(text)))
      })).pipe(Stream.mapEffect((data) => decodeProgress(data))),
      end: Effect.onInterrupt(ended, () => cancelled).pipe(
        Effect.flatMap((details) => details.status === "done" ? Effect.void : Effect.fail(failure(details)))
      ),
      result: Effect.map(ask(JobDetails, { path: job }), ({ result }) => result ?? undefined)
    }
  }

  return {
    plan: (request) => ask(MaintenancePlan, { ...post, body: { ...bodyOf(request), dryRun: true } }),
    start: (request) =>
      Effect.map(ask(MaintenanceAccepted, { ...post, body: bodyOf(request) }), ({ job }) => started(job.id))
  }
}
