/** What of a run is not as it must be: with ours, or with the cases. */
import { cases } from "./index.ts"
import type { CaseOutcome } from "./Judge.ts"
import { limits } from "./limits.ts"

const isOurs = ({ subject }: CaseOutcome): boolean => subject.startsWith("ems ")

const problemOf = (one: CaseOutcome): string | undefined => {
  const { id, is, note, subject } = one
  const said = `${id}, ${subject}`
  if (is === "broken") return `${said}: it could not be run: ${note}`
  if (isOurs(one) && is === "wrong" && !limits.has(id)) return `${said}: ${note}`
  if (subject === "no cache" && is === "wrong") return `${said}: the case is wrong: ${note}`
  return undefined
}

/** Listed, and wrong at no level of consistency. */
const outdated = (outcomes: ReadonlyArray<CaseOutcome>): ReadonlyArray<string> =>
  [...limits.keys()].filter((id) => {
    const mine = outcomes.filter((one) => one.id === id && isOurs(one))
    return mine.length > 0 && mine.every(({ is }) => is === "ok")
  })

/** Cases in which not even a careless cache goes wrong. Asked of a run with `memo` and Drizzle 0.45 in it. */
export const pointless = (outcomes: ReadonlyArray<CaseOutcome>): ReadonlyArray<string> => {
  const peers = outcomes.filter((one) => !isOurs(one) && one.subject !== "no cache" && one.is !== "n/a")
  return cases.map(({ id }) => id).filter((id) => {
    const asked = peers.filter((one) => one.id === id)
    return asked.length > 0 && asked.every(({ is }) => is === "ok")
  })
}

export const problemsOf = (outcomes: ReadonlyArray<CaseOutcome>): ReadonlyArray<string> => [
  ...outcomes.flatMap((one) => problemOf(one) ?? []),
  ...outdated(outcomes).map((id) => `${id}: it is right, and listed as a limit`)
]
