/**
 * Every order in which the steps of a scenario can happen, but for orders that differ only in neighbours that do not
 * depend on each other: of those one is run (sleep sets). Each schedule runs from the start, on new objects.
 *
 * Source: Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", LNCS 1032, chapter 5.
 */
import { areDependent, type Footprint, type Step } from "./Step.ts"

/** A run that goes on as far as it is told. */
export interface Run {
  /** What can happen now: the same after the same steps. */
  readonly steps: () => ReadonlyArray<Step>
  /** Whether there is nothing left to find out. */
  readonly isOver: () => boolean
  /** Nothing can happen any more. */
  readonly ended: () => void
  /** What was found to be wrong so far. */
  readonly broken: () => string | undefined
  /** What came of it. */
  readonly outcome: () => string
}

export interface Finding {
  readonly what: string
  /** The labels of its steps. */
  readonly schedule: ReadonlyArray<string>
}

export interface Enumerated {
  /** Run to their end. */
  readonly schedules: number
  /** Left where all that could follow had been run in another order. */
  readonly repeated: number
  /** Of all schedules. */
  readonly outcomes: ReadonlySet<string>
  /** The first that was found; nothing was run after it. */
  readonly finding: Finding | undefined
}

interface Branch {
  readonly schedule: ReadonlyArray<string>
  /** Steps that were tried before the last one of the schedule, and do not depend on it. */
  readonly asleep: ReadonlyArray<Footprint>
}

/** Without what it would run, which holds all of a run in memory. */
const footprintOf = ({ label, reads, writes }: Step): Footprint => ({ label, reads, writes })

const perform = (run: Run, label: string): boolean => {
  const step = run.steps().find((one) => one.label === label)
  step?.run()
  return step !== undefined
}

/** Runs `branch` to its end, and says what else there would have been to do. */
const follow = (run: Run, branch: Branch, open: Array<Branch>, isReduced: boolean): Finding | "ended" | "repeated" => {
  const undisturbed = (steps: ReadonlyArray<Footprint>, by: Footprint): ReadonlyArray<Footprint> =>
    isReduced ? steps.filter((step) => !areDependent(step, by)) : []
  const schedule = [...branch.schedule]
  for (const label of schedule) {
    if (!perform(run, label)) throw new Error(`not deterministic: "${label}" is not possible any more`)
  }
  for (let { asleep } = branch;;) {
    const possible = run.steps()
    if (possible.length === 0) run.ended()
    const what = run.broken()
    if (what !== undefined) return { what, schedule }
    if (possible.length === 0 || run.isOver()) return "ended"
    const alone = isReduced ? possible.find(({ isAlone }) => isAlone === true) : undefined
    const awake = (alone === undefined ? possible : [alone])
      .filter(({ label }) => !asleep.some((step) => step.label === label))
    const [next] = awake
    if (next === undefined) return "repeated"
    for (let at = awake.length - 1; at > 0; at--) {
      const other = awake[at]!
      open.push({
        schedule: [...schedule, other.label],
        asleep: undisturbed([...asleep, ...awake.slice(0, at).map(footprintOf)], other)
      })
    }
    asleep = undisturbed(asleep, next)
    schedule.push(next.label)
    next.run()
  }
}

/** Runs every schedule, up to the first that breaks something. `isReduced` false: orders that are the same as well. */
export const enumerate = (start: () => Run, isReduced = true): Enumerated => {
  const outcomes = new Set<string>()
  const open: Array<Branch> = [{ schedule: [], asleep: [] }]
  let schedules = 0
  let repeated = 0
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    const run = start()
    const result = follow(run, branch, open, isReduced)
    if (result === "repeated") repeated++
    else {
      schedules++
      outcomes.add(run.outcome())
    }
    if (typeof result === "object") return { schedules, repeated, outcomes, finding: result }
  }
  return { schedules, repeated, outcomes, finding: undefined }
}

/** The same without the steps that it does not need. */
export const shorten = (start: () => Run, { schedule, what }: Finding): Finding => {
  let shortest = schedule
  for (let at = schedule.length - 1; at >= 0; at--) {
    const shorter = shortest.toSpliced(at, 1)
    const run = start()
    if (!shorter.every((label) => perform(run, label))) continue
    if (run.steps().length === 0) run.ended()
    if (run.broken() === what) shortest = shorter
  }
  return { what, schedule: shortest }
}
