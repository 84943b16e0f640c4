/** Jobs of maintenance as the contracts have them. */
import type { JobDetails, JobSummary } from "@ems/db-core/maintenance/JobStore"
import {
  type MaintenanceAccepted,
  type MaintenanceJob,
  type MaintenanceJobDetails,
  MaintenanceResult
} from "@ems/schema/contract/Maintenance"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const resultOf = Schema.decodeUnknownOption(MaintenanceResult)

export const jobOf = (
  { action, actor, application, error, finishedAt, id, progress, startedAt, status }: JobSummary
): MaintenanceJob => ({
  id,
  action,
  status,
  actor,
  application,
  startedAt,
  finishedAt,
  percent: progress?.percent ?? null,
  error: error?.message ?? null
})

/** The record of another version may not be what is a result now: then there is none. */
export const detailsOf = (job: JobDetails): MaintenanceJobDetails => ({
  ...jobOf(job),
  progress: job.progress,
  plan: job.plan ?? null,
  result: typeof job.result === "object" && job.result !== null
    ? Option.getOrNull(resultOf({ ...job.result, action: job.action }))
    : null
})

export const pathOf = (jobId: string): string => `/api/db/maintenance/jobs/${encodeURIComponent(jobId)}`

export const acceptedOf = (job: MaintenanceJob): MaintenanceAccepted => {
  const self = pathOf(job.id)
  return { job, links: { self, events: `${self}/events`, cancel: self } }
}
