/** How far a job of maintenance is: bars on a terminal, a line for each phase where it is piped. */
import type { Progress } from "@ems/db-core/maintenance/Progress"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { duration } from "../Output.ts"
import { bar, fitted } from "./Bar.ts"
import type { Canvas } from "./Canvas.ts"
import type { StatusLine } from "./StatusLine.ts"

type Current = Progress["current"][number]

const toGo = (etaMs: number): string => `${duration(etaMs)} to go`

/** What somebody else decides when it ends has no estimate. */
const etaOf = ({ current, etaMs }: Progress): ReadonlyArray<string> =>
  etaMs === null || current.some(({ waitsFor }) => waitsFor.length > 0) ? [] : [toGo(etaMs)]

const whoOf = ({ application, pid, query, state }: Current["waitsFor"][number]): string => {
  const session = [application, state].filter((text) => text !== null && text !== "").join(", ")
  return `pid ${pid}${session === "" ? "" : ` (${session})`}${query === null || query === "" ? "" : `: ${query}`}`
}

const currentLines = (current: Current, progress: Progress, canvas: Canvas): ReadonlyArray<string> => {
  const { kind, object, percent, phase, waitsFor } = current
  const what = `${kind} ${object}: ${phase}`
  return [
    bar(percent, progress.steps > 1 ? what : [...etaOf(progress), what].join(", "), canvas),
    ...waitsFor.map((blocker) => fitted(`  waits for ${whoOf(blocker)}`, canvas))
  ]
}

const wholeLine = (progress: Progress, canvas: Canvas): string => {
  const done = `${progress.doneSteps} of ${progress.steps} steps done`
  return fitted([`${Math.floor(progress.percent)} % of all`, ...etaOf(progress), done].join(", "), canvas)
}

/** A bar for each table that is worked on, who each waits for, and the whole where there are several steps. */
export const barLines = (progress: Progress, canvas: Canvas): ReadonlyArray<string> =>
  progress.steps === 0
    ? [bar(0, "planning", canvas)]
    : [
      ...progress.current.flatMap((current) => currentLines(current, progress, canvas)),
      ...(progress.steps > 1 ? [wholeLine(progress, canvas)] : [])
    ]

/** What a log can hold. */
export const plainLine = ({ current, etaMs, percent }: Progress): string =>
  `${Math.floor(percent)} %${etaMs === null ? "" : `, ${toGo(etaMs)}`}: ${
    current.map(({ kind, object, phase, waitsFor }) =>
      `${kind} ${object}, ${phase}${
        waitsFor.length === 0 ? "" : `, waits for pid ${waitsFor.map(({ pid }) => pid).join(", ")}`
      }`
    ).join("; ")
  }`

/** A line is worth it when a phase is another one, or somebody else is waited for. */
const phasesOf = ({ current }: Progress): string =>
  current.map(({ object, phase, waitsFor }) => `${object} ${phase} ${waitsFor.map(({ pid }) => pid).join()}`).join()

/** Shows it until the job ends. */
export const shown = <E>(
  progress: Stream.Stream<Progress, E>,
  status: StatusLine | undefined
): Effect.Effect<void> =>
  (status === undefined
    ? progress.pipe(
      Stream.filter(({ current }) => current.length > 0),
      Stream.changesWith((a, b) => phasesOf(a) === phasesOf(b)),
      Stream.runForEach((step) => Console.error(plainLine(step)))
    )
    : Stream.runForEach(
      progress,
      (step) => step.status === "running" ? status.draw((canvas) => barLines(step, canvas)) : Effect.void
    )).pipe(
      // What cannot be shown does not stop the work.
      Effect.ignore
    )
