import type { JobResult } from "@ems/db-core/maintenance/JobResult"
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import type { MaintenanceRequest } from "@ems/db-core/maintenance/MaintenanceRequest"
import type { Progress } from "@ems/db-core/maintenance/Progress"
import { MaintenancePlan, MaintenanceResult } from "@ems/schema/contract/Maintenance"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Findings } from "../Findings.ts"
import { bytes, count, duration, print } from "../Output.ts"
import { withDatabase } from "./Db.ts"

export interface MaintenanceFlags {
  readonly dryRun: boolean
  readonly json: boolean
}

const planLines = ({ indexes, notes, steps }: MaintenancePlan): ReadonlyArray<string> => [
  ...steps.flatMap(({ because, blockers, blocks, bytes: size, diskBytes, estimatedMs, lock, statements }) => [
    ...statements.map((statement) => `${statement};`),
    `  because: ${because}; ${bytes(size)}, up to ${bytes(diskBytes)} more on disk, ${
      estimatedMs === null ? "time not known yet" : `about ${duration(estimatedMs)}`
    }`,
    `  locks: ${lock}, ${blocks} wait`,
    ...blockers.map(({ application, pid, state }) =>
      `  in its way now: pid ${pid}${application ? ` (${application})` : ""}, ${state ?? "state unknown"}`
    )
  ]),
  ...indexLines(indexes),
  ...notes,
  steps.length === 0 ? "nothing to do" : `${count(steps.length, "step")}; nothing was changed`
]

/** Those that are as they should be go without saying. */
const indexLines = (indexes: MaintenancePlan["indexes"]): ReadonlyArray<string> => [
  ...indexes.flatMap(({ actual, expected, name, schema, state }) =>
    state === "drifted"
      ? [`index ${schema}.${name}: not as defined`, `  is: ${actual}`, `  defined: ${expected}`]
      : state === "extra"
      ? [`index ${schema}.${name}: not in the catalog`]
      : state === "building"
      ? [`index ${schema}.${name}: another session is building it`]
      : []
  ),
  ...(indexes.length === 0
    ? []
    : [`indexes: ${indexes.filter(({ state }) => state === "present").length} as defined before`])
]

const resultOf = ({ durationMs, indexes, jobId, notes, steps }: JobResult, action: MaintenanceRequest["action"]) => ({
  jobId,
  action,
  steps,
  indexes,
  notes,
  durationMs
})

const resultLines = ({ durationMs, indexes, notes, steps }: MaintenanceResult): ReadonlyArray<string> => [
  ...steps.flatMap(({ bytesAfter, bytesBefore, durationMs, heldBackBy, note, outcome, step }) => [
    `${step.kind} ${step.schema}.${step.object}: ${outcome}, ${duration(durationMs)}${
      bytesAfter === bytesBefore ? "" : `, ${bytes(bytesBefore)} before, ${bytes(bytesAfter)} now`
    }`,
    ...(note === null ? [] : [`  ${note}`]),
    ...heldBackBy.map(({ detail, kind, name }) =>
      `  held back by ${kind} ${name}${detail === null ? "" : `, ${detail}`}`
    )
  ]),
  ...indexLines(indexes),
  ...notes,
  `${count(steps.length, "step")} in ${duration(durationMs)}`
]

/** A line for each phase of each step: what a log can hold. */
const progressLine = ({ current, etaMs, percent }: Progress): string =>
  `${Math.floor(percent)} %${etaMs === null ? "" : `, ${duration(etaMs)} to go`}: ${
    current.map(({ kind, object, phase, waitsFor }) =>
      `${kind} ${object}, ${phase}${
        waitsFor.length === 0 ? "" : `, waits for pid ${waitsFor.map(({ pid }) => pid).join(", ")}`
      }`
    ).join("; ")
  }`

const phasesOf = ({ current }: Progress): string => current.map(({ object, phase }) => `${object} ${phase}`).join()

const shown = (progress: Stream.Stream<Progress, unknown>): Effect.Effect<void> =>
  progress.pipe(
    Stream.filter(({ current }) => current.length > 0),
    Stream.changesWith((a, b) => phasesOf(a) === phasesOf(b)),
    Stream.runForEach((step) => Console.error(progressLine(step))),
    // What cannot be shown does not stop the work.
    Effect.ignore
  )

/** Findings that are left when the work is done. */
const left = ({ indexes, steps }: MaintenanceResult): string | undefined => {
  const drifted = indexes.filter(({ state }) => state === "drifted").length
  const partly = steps.filter(({ outcome }) => outcome === "partly").length
  if (drifted > 0) return `${count(drifted, "index", "indexes")} not as defined: --rebuild-drifted rebuilds`
  return partly > 0 ? `${count(partly, "table")} with dead rows that somebody may still look at` : undefined
}

export const runMaintenance = Effect.fn("emsdb.maintenance")(
  function*(request: MaintenanceRequest, { dryRun, json }: MaintenanceFlags) {
    const maintenance = yield* Maintenance
    if (dryRun) {
      const plan = yield* maintenance.plan(request)
      return yield* print(MaintenancePlan, plan, { json, lines: planLines(plan) })
    }
    const job = yield* maintenance.start({ ...request, actor: "emsdb" })
    const shows = yield* Effect.forkChild(json ? Effect.void : shown(maintenance.progress(job.id)))
    const done = yield* Effect.onInterrupt(job.result, () => Effect.ignore(maintenance.cancel(job.id)))
    yield* Fiber.await(shows)
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
