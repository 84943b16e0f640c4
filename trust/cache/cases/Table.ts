/** The outcomes as a table: a line for each case, a column for each cache. */
import type { Case } from "./Case.ts"
import { cases, isBasic } from "./index.ts"
import type { CaseOutcome } from "./Judge.ts"

export interface Tally {
  readonly subject: string
  /** Of the 33. */
  readonly basic: Readonly<Record<CaseOutcome["is"], number>>
  readonly all: Readonly<Record<CaseOutcome["is"], number>>
}

const namesIn = (outcomes: ReadonlyArray<CaseOutcome>): ReadonlyArray<string> => [
  ...new Set(outcomes.map(({ subject }) => subject))
]

const count = (outcomes: ReadonlyArray<CaseOutcome>): Tally["all"] => {
  const counted = { ok: 0, wrong: 0, "n/a": 0, broken: 0 }
  for (const { is } of outcomes) counted[is]++
  return counted
}

export const tally = (outcomes: ReadonlyArray<CaseOutcome>): ReadonlyArray<Tally> =>
  namesIn(outcomes).map((subject) => {
    const mine = outcomes.filter((one) => one.subject === subject)
    return { subject, basic: count(mine.filter(isBasic)), all: count(mine) }
  })

const line = ({ id, name }: Case, outcomes: ReadonlyArray<CaseOutcome>, subjects: ReadonlyArray<string>): string => {
  const cells = subjects.map((subject) =>
    (outcomes.find((one) => one.id === id && one.subject === subject)?.is ?? "").padEnd(subject.length)
  )
  return `${id.padEnd(5)} ${cells.join("  ")}  ${name}`.trimEnd()
}

const sums = (which: "basic" | "all", tallies: ReadonlyArray<Tally>): string =>
  `wrong ${tallies.map((one) => String(one[which].wrong).padEnd(one.subject.length)).join("  ")}  of ${
    which === "basic" ? "the 33" : "all"
  }`

export const table = (outcomes: ReadonlyArray<CaseOutcome>): string => {
  const subjects = namesIn(outcomes)
  const run = new Set(outcomes.map(({ id }) => id))
  const tallies = tally(outcomes)
  return [
    `      ${subjects.join("  ")}`,
    ...cases.filter(({ id }) => run.has(id)).map((one) => line(one, outcomes, subjects)),
    sums("basic", tallies),
    sums("all", tallies)
  ].join("\n")
}
