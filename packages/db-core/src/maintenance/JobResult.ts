/** What maintenance did: an outcome for each step, and of the whole. */
import type { XminHolder } from "../catalog/xminHorizon.ts"
import type { IndexReport, Step } from "./MaintenancePlan.ts"

export interface StepOutcome {
  /**
   * - `partly`: VACUUM left dead rows that somebody may still look at: `heldBackBy`.
   * - `nothing`: the server skipped it, or nothing could be removed; `note` says why.
   * - `resumed`: an earlier run of the same request had done it before it ended early.
   * - `cancelled`, `failed`: it was under way when the job ended early. `not begun`: it came after that.
   */
  readonly outcome: "done" | "partly" | "nothing" | "resumed" | "cancelled" | "failed" | "not begun"
  readonly durationMs: number
  /** 1 when nobody was in the way. */
  readonly attempts: number
  /** Of the table or the index. */
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Dead rows that VACUUM removed, by the statistics; 0 for other kinds. */
  readonly removedRows: number
  /** Dead rows that it had to leave. */
  readonly keptRows: number
  /** The oldest first. */
  readonly heldBackBy: ReadonlyArray<Pick<XminHolder, "kind" | "name" | "detail" | "heldMs">>
  readonly note: string | null
}

export interface StepResult extends StepOutcome {
  readonly step: Step
}

export interface JobResult {
  /** Null where no records are kept. */
  readonly jobId: string
  readonly steps: ReadonlyArray<StepResult>
  /** As the plan found them. */
  readonly indexes: ReadonlyArray<IndexReport>
  readonly notes: ReadonlyArray<string>
  readonly durationMs: number
}

/** The same of a job that may have ended early: each step of its plan, also those that were not begun. */
export interface JobReport extends JobResult {
  readonly status: "done" | "failed" | "cancelled"
}
