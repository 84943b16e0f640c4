/** `POST /api/db/maintenance`: what would be done, or a job that does it. */
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import { fingerprintOf } from "@ems/db-core/operation/IdempotencyKeys"
import {
  MaintenanceAccepted,
  MaintenancePlan,
  MaintenanceRequest,
  type MaintenanceRequest as Wanted
} from "@ems/schema/contract/Maintenance"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Elysia, status } from "elysia"
import { only } from "../../http/Access.ts"
import { audited } from "../../http/Audited.ts"
import { callerOf, needsAdmin } from "../../http/Caller.ts"
import * as Contract from "../../http/Contract.ts"
import type { Failure } from "../../http/Failure.ts"
import { keyOf, once } from "../../http/IdempotencyKey.ts"
import type { Runtime } from "../../Runtime.ts"
import { acceptedOf, jobOf, pathOf } from "./jobShapes.ts"

const path = "/api/db/maintenance"

const decodeAccepted = Schema.decodeUnknownEffect(MaintenanceAccepted)

/** What the job works on, for the audit log. Names may be long; the log's column is not. */
const targetOf = ({ indexes, tables }: Wanted): string =>
  [...tables ?? [], ...indexes ?? []].join(", ").slice(0, 500) || "the database"

const fingerprint = ({ action, fresh, full, indexes, parallel, rebuildDrifted, tables }: Wanted): string =>
  fingerprintOf(
    "POST",
    path,
    action,
    tables ?? null,
    indexes ?? null,
    full ?? false,
    rebuildDrifted ?? false,
    parallel ?? 1,
    fresh ?? false
  )

/** Nothing was begun. A record with the job's id, or a statement whose fate is not known, says otherwise. */
const isRefusal = (error: Failure): boolean =>
  error._tag !== "DbError" || (error.reason._tag !== "UniqueViolation" && error.fate !== "Unknown")

const begin = ({ reason, ...wanted }: Wanted, request: Request, jobId?: string) => {
  const { id, name } = callerOf(request)
  const actor = name === id ? id : `${name} (${id})`
  const start = Effect.gen(function*() {
    const startedAt = DateTime.formatIso(yield* DateTime.now)
    const job = yield* Maintenance.use(({ start }) => start({ ...wanted, actor, jobId }))
    return acceptedOf({
      id: job.id,
      action: wanted.action,
      status: "running",
      actor,
      application: null,
      startedAt,
      finishedAt: null,
      percent: null,
      error: null
    })
  })
  return Effect.andThen(
    // A job plans by itself, after it has begun: who mistyped a name is to be told now.
    Maintenance.use(({ plan }) => plan(wanted)),
    audited(request, { action: `maintenance.${wanted.action}`, target: targetOf(wanted), reason }, start)
  )
}

const find = (jobId: string) =>
  Maintenance.use(({ job }) => job(jobId)).pipe(
    Effect.map((job) => acceptedOf(jobOf(job))),
    Effect.catchIf(
      (error) => error._tag === "MaintenanceError" && error.reason._tag === "UnknownObject",
      () => Effect.undefined
    )
  )

const accepted = (wanted: Wanted, request: Request) =>
  Effect.gen(function*() {
    const key = yield* keyOf(request)
    if (key === undefined) return yield* begin(wanted, request)
    const answer = yield* once(
      { owner: callerOf(request).id, key, fingerprint: fingerprint(wanted) },
      { find, begin: (jobId) => begin(wanted, request, jobId), isRefusal }
    )
    // It was written by this contract.
    return yield* Effect.orDie(decodeAccepted(answer))
  })

/** A plan measures tables, which takes as long as they are large. Milliseconds. */
const planTimeout = 60_000

export const maintenance = ({ respond }: Pick<Runtime, "respond">) =>
  new Elysia().post(path, ({ body, request, set }) =>
    respond(
      Effect.gen(function*() {
        const { dryRun, ...wanted } = body
        if (wanted.full === true) yield* needsAdmin(request, "database:maintain")
        if (dryRun === true) return status(200, yield* Maintenance.use(({ plan }) => plan(wanted)))
        const answer = yield* accepted(wanted, request)
        set.headers["location"] = pathOf(answer.job.id)
        return status(202, answer)
      }),
      request,
      { timeout: planTimeout }
    ), {
    body: Contract.request(MaintenanceRequest),
    response: { 200: Contract.response(MaintenancePlan), 202: Contract.response(MaintenanceAccepted) },
    detail: only("operator", "database:maintain", {
      summary: "Start a job of maintenance, or say what it would do",
      description:
        "200 with the plan for a dry run, else 202 with the job, at its path in Location. 409 names who runs " +
        "one. With an Idempotency-Key a repeated request is answered as the first time, for 24 hours. `full` needs the " +
        "role admin: nobody can use the tables meanwhile.",
      tags: ["maintenance"]
    })
  })
