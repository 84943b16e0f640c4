/** Plans and results of maintenance as people read them. */
import type { MaintenancePlan, MaintenanceResult } from "@ems/schema/contract/Maintenance"
import { bytes, count, duration } from "../Output.ts"

export const planLines = ({ indexes, notes, steps }: MaintenancePlan): ReadonlyArray<string> => [
  ...stepLines(steps),
  ...indexLines(indexes),
  ...notes,
  steps.length === 0 ? "nothing to do" : `${count(steps.length, "step")}; nothing was changed`
]

/** Each statement, what it costs, and who is in its way. */
export const stepLines = (steps: MaintenancePlan["steps"]): ReadonlyArray<string> =>
  steps.flatMap(({ because, blockers, blocks, bytes: size, diskBytes, estimatedMs, lock, statements }) => [
    ...statements.map((statement) => `${statement};`),
    `  because: ${because}; ${bytes(size)}, up to ${bytes(diskBytes)} more on disk, ${
      estimatedMs === null ? "time not known yet" : `about ${duration(estimatedMs)}`
    }`,
    `  locks: ${lock}, ${blocks} wait`,
    ...blockers.map(({ application, pid, state }) =>
      `  in its way now: pid ${pid}${application ? ` (${application})` : ""}, ${state ?? "state unknown"}`
    )
  ])

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

type Outcome = MaintenanceResult["steps"][number]["outcome"]

/** Of these nothing more is known than that. */
const isUndone = (outcome: Outcome): boolean =>
  outcome === "not begun" || outcome === "cancelled" || outcome === "failed"

const outcomeLines = (
  { bytesAfter, bytesBefore, durationMs, heldBackBy, note, outcome, step }: MaintenanceResult["steps"][number]
): ReadonlyArray<string> => [
  `${step.kind} ${step.schema}.${step.object}: ${outcome}${isUndone(outcome) ? "" : `, ${duration(durationMs)}`}${
    bytesAfter === bytesBefore ? "" : `, ${bytes(bytesBefore)} before, ${bytes(bytesAfter)} now`
  }`,
  ...(note === null ? [] : [`  ${note}`]),
  ...heldBackBy.map(({ detail, kind, name }) => `  held back by ${kind} ${name}${detail === null ? "" : `, ${detail}`}`)
]

export const resultLines = (result: MaintenanceResult): ReadonlyArray<string> => {
  const { durationMs, notes, status = "done", steps } = result
  return status === "done"
    ? [
      ...steps.flatMap(outcomeLines),
      ...indexLines(notMended(result)),
      ...notes,
      `${count(steps.length, "step")} in ${duration(durationMs)}`
    ]
    : [...steps.flatMap(outcomeLines), `${tally(steps)}, in ${duration(durationMs)}`]
}

/** `2 of 5 steps done, 1 cancelled, 2 not begun`. */
export const tally = (steps: MaintenanceResult["steps"]): string => {
  const of = (...outcomes: ReadonlyArray<Outcome>) => steps.filter(({ outcome }) => outcomes.includes(outcome)).length
  const undone = (["cancelled", "failed", "not begun"] as const).flatMap((outcome) =>
    of(outcome) === 0 ? [] : [`${of(outcome)} ${outcome}`]
  )
  return [
    `${of("done", "partly", "nothing", "resumed")} of ${count(steps.length, "step")} done`,
    ...undone
  ].join(", ")
}

/** What the plan found of indexes, without those that a step has mended. */
const notMended = ({ indexes, steps }: MaintenanceResult): MaintenanceResult["indexes"] =>
  indexes.filter(({ name, schema }) =>
    !steps.some(({ outcome, step }) => outcome === "done" && step.schema === schema && step.object === name)
  )

/** Those that were to be built and could not be; why is among the notes. */
const notBuilt = (result: MaintenanceResult): MaintenanceResult["indexes"] =>
  notMended(result).filter(({ state }) => state === "missing" || state === "invalid")

/** Findings that are left when the work is done. */
export const left = (result: MaintenanceResult): string | undefined => {
  const { steps } = result
  const unbuilt = notBuilt(result).length
  if (unbuilt > 0) return `${count(unbuilt, "index", "indexes")} missing or invalid, and not built`
  const drifted = notMended(result).filter(({ state }) => state === "drifted").length
  const partly = steps.filter(({ outcome }) => outcome === "partly").length
  if (drifted > 0) return `${count(drifted, "index", "indexes")} not as defined: --rebuild-drifted rebuilds`
  return partly > 0 ? `${count(partly, "table")} with dead rows that somebody may still look at` : undefined
}
