/** What of a report ends with the exit code of findings. */
import type { Checks } from "@ems/schema/contract/Checks"
import type { Severity } from "@ems/schema/contract/Severity"

export const failOnNames = ["info", "warn", "error", "never"] as const

export interface Gate {
  /** The least severe finding that fails; `never`: none does. */
  readonly failOn: typeof failOnNames[number]
  /** Also a check that could not look fails. Those that were left out were never asked for. */
  readonly requireAll: boolean
}

const weights: Readonly<Record<Severity, number>> = { info: 0, warn: 1, error: 2 }

export const isWorse = (one: Severity, other: Severity): boolean => weights[one] > weights[other]

/** Sorts the worst first, and leaves the others in their order. */
export const worstFirst = (a: { readonly severity: Severity }, b: { readonly severity: Severity }): number =>
  weights[b.severity] - weights[a.severity]

export const fails = ({ failOn }: Gate, { severity }: { readonly severity: Severity }): boolean =>
  failOn !== "never" && !isWorse(failOn, severity)

export const isFailed = ({ checks, summary }: Checks, gate: Gate): boolean =>
  (gate.requireAll && summary.unavailable > 0) ||
  checks.some(({ findings }) => findings.some((finding) => fails(gate, finding)))
