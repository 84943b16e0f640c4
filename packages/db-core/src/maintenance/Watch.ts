/**
 * What is known of a running job: which steps are done, what the others wait for or work on.
 */
import type { Action, Blocker } from "./MaintenanceError.ts"
import type { Step } from "./MaintenancePlan.ts"
import { type CurrentStep, percentOf, type Progress, type ProgressRow } from "./Progress.ts"

/** A step of nothing still takes a moment. Bytes. */
const leastWeight = 64 * 1024

/** Before that an estimate of what is left would be a guess. Percent, and milliseconds. */
const knownFrom = { percent: 1, elapsed: 500 }

interface Running {
  readonly at: number
  pid: number | undefined
  phase: string
  percent: number
  waitsFor: ReadonlyArray<Blocker>
  left: ReadonlyArray<string>
}

export class Watch {
  private readonly jobId: string
  private readonly action: Action
  private readonly steps: ReadonlyArray<Step>
  private readonly startedAt: number
  private readonly running = new Map<number, Running>()
  private readonly done = new Set<number>()
  private highest = 0

  constructor(jobId: string, action: Action, steps: ReadonlyArray<Step>, startedAt: number) {
    this.jobId = jobId
    this.action = action
    this.steps = steps
    this.startedAt = startedAt
  }

  /** Server processes at work. */
  get pids(): ReadonlyArray<number> {
    return [...this.running.values()].flatMap(({ pid }) => pid ?? [])
  }

  begin(at: number): void {
    this.running.set(at, { at, pid: undefined, phase: "starting", percent: 0, waitsFor: [], left: [] })
  }

  /** `pid` works for the step from now on, or nobody. */
  works(at: number, pid: number | undefined): void {
    const step = this.running.get(at)
    if (step === undefined) return
    step.pid = pid
    if (pid !== undefined) step.waitsFor = []
  }

  says(at: number, phase: string, waitsFor: ReadonlyArray<Blocker> = []): void {
    const step = this.running.get(at)
    if (step === undefined) return
    step.phase = phase
    step.waitsFor = waitsFor
  }

  /** Who was last seen in the way of the step. */
  blockersOf(at: number): ReadonlyArray<Blocker> {
    return this.running.get(at)?.waitsFor ?? []
  }

  /** Invalid indexes that the step could not remove. */
  leaves(at: number, left: ReadonlyArray<string>): void {
    const step = this.running.get(at)
    if (step !== undefined) step.left = left
  }

  /** What a step under way had to leave; undefined of one that is not under way. */
  leftBy(at: number): ReadonlyArray<string> | undefined {
    return this.running.get(at)?.left
  }

  end(at: number): void {
    this.running.delete(at)
    this.done.add(at)
  }

  heard(rows: ReadonlyArray<ProgressRow>, blocking: ReadonlyMap<number, ReadonlyArray<Blocker>>): void {
    for (const step of this.running.values()) {
      if (step.pid === undefined) continue
      const row = rows.find(({ pid }) => pid === step.pid)
      if (row !== undefined) {
        step.phase = row.phase
        step.percent = Math.max(step.percent, percentOf(row))
      }
      const blockers = blocking.get(step.pid)
      // One that stopped waiting because its time was over is asked who it had waited for.
      if (blockers !== undefined || row !== undefined) step.waitsFor = blockers ?? []
    }
  }

  snapshot(now: number, status: Progress["status"]): Progress {
    const weight = (at: number): number => Math.max(leastWeight, this.steps[at]?.bytes ?? 0)
    let all = 0
    let done = 0
    for (let at = 0; at < this.steps.length; at++) {
      all += weight(at)
      done += weight(at) * (this.done.has(at) ? 1 : (this.running.get(at)?.percent ?? 0) / 100)
    }
    const reached = status === "done" ? 100 : all === 0 ? 0 : Math.min(99.9, (100 * done) / all)
    this.highest = Math.max(this.highest, reached)
    const percent = Math.round(this.highest * 10) / 10
    const elapsedMs = now - this.startedAt
    const isKnown = percent >= knownFrom.percent && elapsedMs >= knownFrom.elapsed
    return {
      jobId: this.jobId,
      action: this.action,
      status,
      percent,
      etaMs: status !== "running" ? 0 : isKnown ? Math.round((elapsedMs * (100 - percent)) / percent) : null,
      elapsedMs,
      doneSteps: this.done.size,
      steps: this.steps.length,
      current: [...this.running.values()].map(({ at, percent, phase, waitsFor }): CurrentStep => ({
        at: at + 1,
        object: `${this.steps[at]?.schema}.${this.steps[at]?.object}`,
        kind: this.steps[at]?.kind ?? "",
        phase,
        percent: Math.round(percent * 10) / 10,
        waitsFor
      }))
    }
  }
}
