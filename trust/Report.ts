/** What a run says in the end: a row for each fault, a column for each data layer, and the totals. */
import type { CaseResult } from "./Case.ts"
import { type ContenderName, ours } from "./contenders/Contender.ts"
import type { Fault } from "./faults/Fault.ts"
import { interruptsOf } from "./Interrupts.ts"

export type Status = "passed" | "failed" | "void" | "skipped"

export interface FaultRow {
  readonly fault: Fault
  readonly results: Map<ContenderName, Array<CaseResult>>
  readonly skipped: Map<ContenderName, string>
}

export interface Totals {
  readonly operations: number
  readonly acknowledged: number
  readonly lost: number
  readonly doubled: number
  readonly lied: number
  readonly unknown: number
  readonly wrongResolutions: number
  readonly leakedBackends: number
  readonly unhandledRejections: number
  readonly secretsFound: number
  readonly strangersCancelled: number
  readonly hung: number
  readonly crashed: number
  readonly deadlineOverrunMaxMs: number
  /** The longest stall of the event loop in the same runs: what the overrun has to be read beside. */
  readonly stallMaxMs: number
  /** The overrun without the stalls between the deadline and the answer. */
  readonly lateMaxMs: number
  readonly recoveryMaxMs: number
}

const sum = (results: ReadonlyArray<CaseResult>, of: (result: CaseResult) => number) =>
  results.reduce((total, result) => total + of(result), 0)
const most = (results: ReadonlyArray<CaseResult>, of: (result: CaseResult) => number) =>
  Math.round(results.reduce((max, result) => Math.max(max, of(result)), 0))

export const totalsOf = (results: ReadonlyArray<CaseResult>): Totals => ({
  operations: sum(results, (one) => one.verdict.operations),
  acknowledged: sum(results, (one) => one.verdict.acknowledged),
  lost: sum(results, (one) => one.verdict.lost.length),
  doubled: sum(results, (one) => one.verdict.doubled.length),
  lied: sum(results, (one) => one.verdict.lied.length),
  unknown: sum(results, (one) => one.verdict.unknown),
  wrongResolutions: sum(results, (one) => one.verdict.wrong.length),
  leakedBackends: sum(results, (one) => one.leaked),
  unhandledRejections: sum(results, (one) => one.findings.unhandled.length),
  secretsFound: sum(results, (one) => one.findings.secrets.length),
  strangersCancelled: sum(results, (one) => one.strangers),
  hung: sum(results, (one) => one.hung),
  crashed: sum(results, (one) => one.crashed || one.findings.closeHung ? 1 : 0),
  deadlineOverrunMaxMs: most(results, (one) => one.findings.overrunMs),
  stallMaxMs: most(results, (one) => one.findings.stallMs),
  lateMaxMs: most(results, (one) => one.findings.lateMs),
  recoveryMaxMs: most(results, (one) => one.recoveryMs ?? 0)
})

/** What must not be there at all, with the letter of the table. */
const flaws = {
  lost: "LOST",
  doubled: "DOUBLE",
  lied: "LIED",
  wrongResolutions: "WRONG",
  leakedBackends: "LEAKED",
  unhandledRejections: "UNHANDLED",
  secretsFound: "SECRET",
  strangersCancelled: "STRANGER",
  hung: "HUNG",
  crashed: "CRASHED"
} as const satisfies { readonly [Key in keyof Totals]?: string }

const flawsOf = (totals: Totals): ReadonlyArray<string> =>
  (Object.keys(flaws) as Array<keyof typeof flaws>).flatMap((key) =>
    totals[key] > 0 ? [`${flaws[key]} ${totals[key]}`] : []
  )

/** Enough operations must have met the fault, and it must have happened. */
const leastOffered = 20

/** How late an answer of ours may be beyond what the event loop stood still since its deadline. */
const mayBeLateMs = 50

export const problemsOf = (fault: Fault, result: CaseResult): ReadonlyArray<string> => {
  const problems = [...flawsOf(totalsOf([result]))]
  if (result.error !== undefined) problems.push(`error: ${result.error}`)
  if (result.verdict.foreign.length > 0) problems.push(`FOREIGN ${result.verdict.foreign.length}`)
  if (fault.recovers !== false && result.recoveryMs === undefined) problems.push("STUCK")
  return problems
}

const isVoid = (result: CaseResult) =>
  result.error === undefined && (result.fired === 0 || result.offered < leastOffered)

export const statusOf = (
  row: FaultRow,
  contender: ContenderName
): { readonly status: Status; readonly reason?: string } => {
  const skipped = row.skipped.get(contender)
  if (skipped !== undefined) return { status: "skipped", reason: skipped }
  const results = row.results.get(contender) ?? []
  const problems = results.flatMap((result) => {
    const expected = contender === ours
      ? row.fault.expect?.({ ...result, codes: result.findings.codes })
      : undefined
    const { lateMs, overrunMs, stallMs } = result.findings
    return [
      ...problemsOf(row.fault, result),
      ...contender === ours && lateMs > mayBeLateMs
        ? [`LATE by ${Math.round(lateMs)} ms: overrun ${Math.round(overrunMs)} ms, stall ${Math.round(stallMs)} ms`]
        : [],
      ...expected === undefined ? [] : [expected]
    ]
  })
  if (problems.length > 0) return { status: "failed", reason: [...new Set(problems)].join("; ") }
  const vacuous = results.find(isVoid)
  if (vacuous !== undefined) {
    return { status: "void", reason: `fired ${vacuous.fired}, offered ${vacuous.offered}` }
  }
  return { status: "passed" }
}

const short = (row: FaultRow, contender: ContenderName): string => {
  const { reason = "", status } = statusOf(row, contender)
  const results = row.results.get(contender)
  if (status === "skipped") return "skipped"
  if (results === undefined) return "-"
  const totals = totalsOf(results)
  const gone = sum(results, (one) => one.gone)
  const numbers = `${totals.acknowledged}/${totals.operations}${totals.unknown > 0 ? ` ?${totals.unknown}` : ""}${
    gone > 0 ? ` gone ${gone}` : ""
  }`
  if (status === "passed") return `ok ${numbers}`
  if (status === "void") return `void ${numbers}`
  const found = flawsOf(totals)
  const stuck = reason.includes("STUCK") ? ["STUCK"] : []
  const words = [...found, ...stuck]
  return words.length === 0 ? "failed" : words.join(" ")
}

export const header = (contenders: ReadonlyArray<ContenderName>) =>
  `${"id".padEnd(7)} ${"fault".padEnd(50)} ${contenders.map((name) => name.padEnd(24)).join(" ")}`

export const line = (row: FaultRow, contenders: ReadonlyArray<ContenderName>): string =>
  `${row.fault.id.padEnd(7)} ${row.fault.name.slice(0, 50).padEnd(50)} ${
    contenders.map((name) => short(row, name).padEnd(24)).join(" ")
  }`.trimEnd()

export const totalsTable = (rows: ReadonlyArray<FaultRow>, contenders: ReadonlyArray<ContenderName>): string => {
  const totals = contenders.map((name) => totalsOf(rows.flatMap((row) => row.results.get(name) ?? [])))
  const keys = Object.keys(totals[0] ?? {}) as Array<keyof Totals>
  return [
    `${"".padEnd(24)} ${contenders.map((name) => name.padStart(19)).join(" ")}`,
    ...keys.map((key) => `${key.padEnd(24)} ${totals.map((one) => String(one[key]).padStart(19)).join(" ")}`)
  ].join("\n")
}

export const toJson = (rows: ReadonlyArray<FaultRow>, contenders: ReadonlyArray<ContenderName>) => {
  const all = (name: ContenderName) => rows.flatMap((row) => row.results.get(name) ?? [])
  const faultsOf = (name: ContenderName) =>
    rows.filter((row) => row.results.has(name) || row.skipped.has(name)).map((row) => ({
      id: row.fault.id,
      name: row.fault.name,
      runs: row.results.get(name)?.length ?? 0,
      spentMs: sum(row.results.get(name) ?? [], (one) => one.spentMs),
      ...statusOf(row, name),
      shown: short(row, name)
    }))
  const interrupts = interruptsOf(rows)
  return {
    ...interrupts === undefined ? {} : { interrupts },
    faults: faultsOf(ours),
    totals: totalsOf(all(ours)),
    peers: Object.fromEntries(
      contenders.filter((name) => name !== ours).map((
        name
      ) => [name, { faults: faultsOf(name), totals: totalsOf(all(name)) }])
    )
  }
}
