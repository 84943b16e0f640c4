/** `/api/db/maintenance/jobs`: the jobs that run and ran, one of them, and its end. */
import { pageFrom } from "@ems/db-core/catalog/AnswerPage"
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import {
  MaintenanceAccepted,
  MaintenanceJobDetails,
  MaintenanceJobs,
  MaintenanceJobsQuery
} from "@ems/schema/contract/Maintenance"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Elysia, status } from "elysia"
import { only } from "../../http/Access.ts"
import { audited } from "../../http/Audited.ts"
import * as Contract from "../../http/Contract.ts"
import { Refused } from "../../http/Failure.ts"
import type { Runtime } from "../../Runtime.ts"
import { acceptedOf, detailsOf, jobOf } from "./jobShapes.ts"

/** Jobs that the list goes back. */
const mostJobs = 1000

/** A job of this process has this long to clean up before the answer says only that it was told to stop. */
const cleanUp = "5 seconds"

const tags = ["maintenance"]

export const JobPath = Schema.Struct({
  id: Schema.String.check(Schema.isPattern(/^[\w-]{1,64}$/u, { expected: "the id of a job" }))
})

const list = (query: typeof MaintenanceJobsQuery.Type) =>
  Effect.map(Maintenance.use(({ summaries }) => summaries(mostJobs)), (jobs) => ({
    ...pageFrom(jobs.map(jobOf), query, {
      startedAt: ({ startedAt }) => startedAt,
      finishedAt: ({ finishedAt }) => finishedAt,
      action: ({ action }) => action,
      status: ({ status }) => status
    }),
    unavailable: null,
    notes: jobs.length === mostJobs ? [`Only the last ${mostJobs} jobs are listed.`] : []
  }))

const over = new Refused({ kind: { status: 409, reason: "JobOver", detail: "This job is over already." } })

const cancel = (id: string, request: Request) =>
  Effect.gen(function*() {
    const service = yield* Maintenance
    const job = yield* service.job(id)
    if (job.status !== "running") return yield* over
    const stopped = yield* audited(
      request,
      { action: "maintenance.cancel", target: `job ${id}` },
      Effect.timeoutOption(service.cancel(id), cleanUp)
    )
    if (!Option.getOrElse(stopped, () => true)) return yield* over
    return status(202, acceptedOf(jobOf(job)))
  })

/** One of this process has cleaned up when it is answered. Milliseconds. */
const cancelTimeout = 60_000

export const jobs = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia()
    .get("/api/db/maintenance/jobs", ({ query, request }) => respond(list(query), request), {
      query: Contract.request(MaintenanceJobsQuery),
      response: { 200: Contract.response(MaintenanceJobs) },
      detail: only("viewer", "database:read", {
        summary: "Jobs of maintenance",
        description: `The latest first, of all processes; the last ${mostJobs}. None where no records are kept.`,
        tags
      })
    })
    .get("/api/db/maintenance/jobs/:id", ({ params: { id }, request }) =>
      respond(Effect.map(Maintenance.use(({ job }) => job(id)), detailsOf), request), {
      params: Contract.request(JobPath),
      response: { 200: Contract.response(MaintenanceJobDetails) },
      detail: only("viewer", "database:read", { summary: "A job, its plan and what it did", tags })
    })
    .delete("/api/db/maintenance/jobs/:id", ({ params: { id }, request }) =>
      respond(cancel(id, request), request, { timeout: cancelTimeout }), {
      params: Contract.request(JobPath),
      response: { 202: Contract.response(MaintenanceAccepted) },
      detail: only("operator", "database:maintain", {
        summary: "Cancel a job",
        description: "It stops within about a second, whichever process runs it, and removes what it left half done. " +
          "409 when it is over.",
        tags
      })
    })
