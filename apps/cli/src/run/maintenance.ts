import type { JobReport } from "@ems/db-core/maintenance/JobResult"
import { type Job, Maintenance } from "@ems/db-core/maintenance/Maintenance"
import type { MaintenanceRequest } from "@ems/db-core/maintenance/MaintenanceRequest"
import { MaintenancePlan, MaintenanceResult } from "@ems/schema/contract/Maintenance"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { cancellable, Interrupted } from "../Cancellation.ts"
import { Findings } from "../Findings.ts"
import { print } from "../Output.ts"
import { shown } from "../progress/JobProgress.ts"
import * as StatusLine from "../progress/StatusLine.ts"
import { confirm } from "../Questions.ts"
import { questionOf } from "./danger.ts"
import { withDatabase } from "./Db.ts"
import { left, planLines, resultLines, stepLines, tally } from "./maintenanceText.ts"

export interface MaintenanceFlags {
  readonly dryRun: boolean
  readonly json: boolean
  /** Commands that never do what somebody would be sorry for have none. */
  readonly yes?: boolean
}

const resultOf = (
  { durationMs, indexes, jobId, notes, status, steps }: JobReport,
  action: MaintenanceRequest["action"]
): MaintenanceResult => ({ jobId, action, status, steps, indexes, notes, durationMs })

/** Shows the plan and asks, where somebody would be sorry for it. */
const agreed = Effect.fnUntraced(function*(request: MaintenanceRequest, yes: boolean) {
  // Of these nothing is ever asked; a plan takes a moment.
  const mayAsk = request.action === "dropIndex" || request.full === true || request.rebuildDrifted === true
  if (yes || !mayAsk) return
  const plan = yield* Maintenance.use(({ plan }) => plan(request))
  const question = questionOf(request, plan)
  if (question !== undefined) yield* confirm(question, { yes, shows: stepLines(plan.steps) })
})

/** What is done, what was under way and what was not begun, of a job that ended before its end. */
const endedEarly = (job: Job, { action }: MaintenanceRequest, json: boolean) =>
  Effect.gen(function*() {
    const report = yield* job.report
    if (report === undefined) return "interrupted before anything was done"
    const result = resultOf(report, action)
    yield* print(MaintenanceResult, result, { json, lines: resultLines(result) })
    const kept = result.steps.flatMap(({ note, outcome }) => outcome === "cancelled" && note !== null ? [note] : [])
    return [`interrupted: ${tally(result.steps)}`, ...kept].join("; ")
  })

export const runMaintenance = Effect.fn("emsdb.maintenance")(
  function*(request: MaintenanceRequest, { dryRun, json, yes = false }: MaintenanceFlags) {
    const maintenance = yield* Maintenance
    if (dryRun) {
      const plan = yield* maintenance.plan(request)
      return yield* print(MaintenancePlan, plan, { json, lines: planLines(plan) })
    }
    yield* agreed(request, yes)
    const job = yield* maintenance.start({ ...request, actor: "emsdb" })
    const early = endedEarly(job, request, json)
    yield* Effect.scoped(Effect.gen(function*() {
      const status = json ? undefined : yield* StatusLine.make
      const shows = json ? undefined : yield* Effect.forkScoped(shown(maintenance.progress(job.id), status))
      yield* cancellable(Effect.onInterrupt(job.result, () => Effect.ignore(maintenance.cancel(job.id))), {
        json,
        status,
        leaves: "an invalid index may be left: emsdb maintenance removes it, emsdb indexes create builds it"
      })
      if (shows !== undefined) yield* Fiber.await(shows)
    })).pipe(
      // The bars are gone by now.
      Effect.catchTag("Interrupted", () => Effect.flatMap(early, (text) => new Interrupted({ text }))),
      Effect.tapError((error) =>
        error._tag === "MaintenanceError" && error.reason._tag === "Cancelled" ? early : Effect.void
      )
    )
    const done = yield* job.report
    if (done === undefined) return
    const result = resultOf(done, request.action)
    yield* print(MaintenanceResult, result, { json, lines: resultLines(result) })
    const text = left(result)
    if (text !== undefined) return yield* new Findings({ verdict: "findings", text })
  },
  withDatabase
)

/** Names with commas between them. */
export const namesOf = (text: Option.Option<string>): ReadonlyArray<string> | undefined =>
  Option.getOrUndefined(Option.map(text, (names) => names.split(",").map((name) => name.trim())))
