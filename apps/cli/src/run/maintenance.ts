import type { MaintenanceRequest } from "@ems/db-core/maintenance/MaintenanceRequest"
import { MaintenancePlan, MaintenanceResult } from "@ems/schema/contract/Maintenance"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { cancellable, Interrupted } from "../Cancellation.ts"
import { Findings } from "../Findings.ts"
import { print } from "../Output.ts"
import { shown } from "../progress/JobProgress.ts"
import * as StatusLine from "../progress/StatusLine.ts"
import { confirm } from "../Questions.ts"
import { questionOf } from "./danger.ts"
import { type MaintenanceRunner, ofApi, ofDatabase, type StartedJob } from "./MaintenanceRunner.ts"
import { left, planLines, resultLines, stepLines, tally } from "./maintenanceText.ts"
import { either, type SourceFlags } from "./Source.ts"

export interface MaintenanceFlags extends SourceFlags {
  readonly dryRun: boolean
  readonly json: boolean
  /** Commands that never do what somebody would be sorry for have none. */
  readonly yes?: boolean
}

/** Shows the plan and asks, where somebody would be sorry for it. */
const agreed = Effect.fnUntraced(function*<E>(runner: MaintenanceRunner<E>, request: MaintenanceRequest, yes: boolean) {
  // Of these nothing is ever asked; a plan takes a moment.
  const mayAsk = request.action === "dropIndex" || request.full === true || request.rebuildDrifted === true
  if (yes || !mayAsk) return
  const plan = yield* runner.plan(request)
  const question = questionOf(request, plan)
  if (question !== undefined) yield* confirm(question, { yes, shows: stepLines(plan.steps) })
})

/** What is done, what was under way and what was not begun, of a job that ended before its end. */
const endedEarly = <E>(job: StartedJob<E>, json: boolean) =>
  Effect.gen(function*() {
    const result = yield* job.result
    if (result === undefined) return "interrupted before anything was done"
    yield* print(MaintenanceResult, result, { json, lines: resultLines(result) })
    const kept = result.steps.flatMap(({ note, outcome }) => outcome === "cancelled" && note !== null ? [note] : [])
    return [`interrupted: ${tally(result.steps)}`, ...kept].join("; ")
  })

/** By somebody else: an error of the data layer, or of an API. */
const isCancelled = (error: object): boolean =>
  "reason" in error && (error.reason === "Cancelled" || Predicate.isTagged(error.reason, "Cancelled"))

const perform = Effect.fnUntraced(function*<E extends { readonly _tag: string }>(
  runner: MaintenanceRunner<E>,
  request: MaintenanceRequest,
  { dryRun, json, yes = false }: MaintenanceFlags
) {
  if (dryRun) {
    const plan = yield* runner.plan(request)
    return yield* print(MaintenancePlan, plan, { json, lines: planLines(plan) })
  }
  yield* agreed(runner, request, yes)
  const job = yield* runner.start(request)
  const early = endedEarly(job, json)
  yield* Effect.scoped(Effect.gen(function*() {
    const status = json ? undefined : yield* StatusLine.make
    const shows = json ? undefined : yield* Effect.forkScoped(shown(job.progress, status))
    yield* cancellable(job.end, {
      json,
      status,
      leaves: "an invalid index may be left: emsdb maintenance removes it, emsdb indexes create builds it"
    })
    if (shows !== undefined) yield* Fiber.await(shows)
  })).pipe(
    // The bars are gone by now.
    Effect.catchIf(
      (error): error is Interrupted => error._tag === "Interrupted",
      () => Effect.flatMap(early, (text) => new Interrupted({ text }))
    ),
    Effect.tapError((error) => isCancelled(error) ? early : Effect.void)
  )
  const result = yield* job.result
  if (result === undefined) return
  yield* print(MaintenanceResult, result, { json, lines: resultLines(result) })
  const text = left(result)
  if (text !== undefined) return yield* new Findings({ verdict: "findings", text })
})

export const runMaintenance = Effect.fn("emsdb.maintenance")(
  function*(request: MaintenanceRequest, flags: MaintenanceFlags) {
    yield* either(
      flags,
      (api) => perform(ofApi(api), request, flags),
      Effect.flatMap(ofDatabase, (runner) => perform(runner, request, flags))
    )
  }
)

/** Names with commas between them. */
export const namesOf = (text: Option.Option<string>): ReadonlyArray<string> | undefined =>
  Option.getOrUndefined(Option.map(text, (names) => names.split(",").map((name) => name.trim())))
