/** What became of the calls that their callers ended: the figures of all runs of ours in which that was done. */
import type { CaseResult } from "./Case.ts"
import { type Moment, moments, ours } from "./contenders/Contender.ts"
import type { FaultRow } from "./Report.ts"

export type ByMoment = Readonly<Record<Moment | "other" | "leaked", number>>

export interface Interrupts {
  readonly tcp: ByMoment
  readonly neon: ByMoment
  /** Statements that ran at the server when they were interrupted. */
  readonly cancels: number
  /** Statements of others that ended with them. */
  readonly strangers: number
  /** For how long the server went on, beside the longest that the event loop of the callers stood still meanwhile. */
  readonly activeAfterCancelMs: { readonly p50: number; readonly max: number; readonly stallMs: number }
}

const whereInterrupted = (results: ReadonlyArray<CaseResult>): ByMoment => {
  const sum = (of: (result: CaseResult) => number) => results.reduce((total, result) => total + of(result), 0)
  const at = (moment: Moment | "other") => sum(({ findings }) => findings.interrupted[moment])
  return {
    connect: at("connect"),
    queue: at("queue"),
    send: at("send"),
    stream: at("stream"),
    commit: at("commit"),
    other: at("other"),
    leaked: sum(({ leaked }) => leaked)
  }
}

const tenth = (ms: number) => Math.round(ms * 10) / 10

export const interruptsOf = (rows: ReadonlyArray<FaultRow>): Interrupts | undefined => {
  const mine = rows.flatMap(({ fault, results }) => (results.get(ours) ?? []).map((result) => ({ fault, result })))
    .filter(({ result }) =>
      result.cancelled.length > 0 || Object.values(result.findings.interrupted).some((count) => count > 0)
    )
  if (mine.length === 0) return undefined
  const cancelled = mine.map(({ result }) => result).filter((one) => one.cancelled.length > 0)
  const active = cancelled.flatMap((one) => one.cancelled.map(({ goneMs }) => goneMs)).toSorted((a, b) => a - b)
  return {
    tcp: whereInterrupted(mine.filter(({ fault }) => fault.neon !== true).map(({ result }) => result)),
    neon: whereInterrupted(mine.filter(({ fault }) => fault.neon === true).map(({ result }) => result)),
    cancels: active.length,
    strangers: mine.reduce((sum, { result }) => sum + result.strangers, 0),
    activeAfterCancelMs: {
      p50: tenth(active[Math.floor(active.length / 2)] ?? 0),
      max: tenth(active.at(-1) ?? 0),
      stallMs: tenth(Math.max(0, ...cancelled.map((one) => one.findings.stallMs)))
    }
  }
}

export const interruptsTable = ({ activeAfterCancelMs, cancels, neon, strangers, tcp }: Interrupts): string => {
  const columns = [...moments, "other", "leaked"] as const
  const row = (name: string, cells: ReadonlyArray<unknown>) =>
    `${name.padEnd(12)}${cells.map((cell) => String(cell).padStart(9)).join("")}`
  const { max, p50, stallMs } = activeAfterCancelMs
  return [
    row("interrupts", columns),
    row("tcp", columns.map((column) => tcp[column])),
    row("neon", columns.map((column) => neon[column])),
    cancels === 0
      ? `${strangers} strangers`
      : `${cancels} cancels, ${strangers} strangers; active after it for ${p50} ms (p50), ${max} ms (max), stall ${stallMs} ms`
  ].join("\n")
}
