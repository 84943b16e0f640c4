/** What became of each step of a job, also of one that ended early. */
import type { JobReport, StepOutcome, StepResult } from "./JobResult.ts"
import type { MaintenancePlan } from "./MaintenancePlan.ts"
import type { Watch } from "./Watch.ts"

/** Of a step that this run has not done. */
const undone = (outcome: StepOutcome["outcome"], note: string | null): StepOutcome => ({
  outcome,
  durationMs: 0,
  attempts: 0,
  bytesBefore: 0,
  bytesAfter: 0,
  removedRows: 0,
  keptRows: 0,
  heldBackBy: [],
  note
})

export const resumed = undone("resumed", "done before the last run of this request ended")

/** What became of a step that has no result: it was under way when the job ended, or had not begun. */
const endedEarly = (watch: Watch, at: number, status: JobReport["status"]): StepOutcome => {
  const left = watch.leftBy(at)
  return left === undefined
    ? undone("not begun", null)
    : undone(
      status === "cancelled" ? "cancelled" : "failed",
      left.length === 0 ? null : `an invalid index may be left: ${left.join(", ")}; the next run removes it`
    )
}

/** `results` has the steps that ended, by their number; `watch` knows those under way. */
export const reportOf = (
  jobId: string,
  status: JobReport["status"],
  { indexes, notes, steps }: MaintenancePlan,
  results: ReadonlyMap<number, StepResult>,
  watch: Watch,
  durationMs: number
): JobReport => ({
  jobId,
  status,
  steps: steps.map((step, at) => results.get(at) ?? { step, ...endedEarly(watch, at, status) }),
  indexes,
  notes,
  durationMs
})
