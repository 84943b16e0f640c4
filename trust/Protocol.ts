/** What the run and the process with the data layer under test say to each other: one JSON object a line. */
import type { ContenderName, ContenderOptions, Moment } from "./contenders/Contender.ts"
import type { OperationKind } from "./History.ts"
import type { Canaries } from "./Secrets.ts"

export interface Load {
  readonly workers: number
  readonly kinds: ReadonlyArray<OperationKind>
  /** Between two operations of a worker. */
  readonly pauseMs: number
  /** The share of operations that are interrupted at a random moment, where the data layer can be. */
  readonly interrupts: number
  /** That moment comes within this time after the call began. */
  readonly spreadMs: number
}

/** How many calls were interrupted while they did what. */
export type Interrupted = Readonly<Record<Moment | "other", number>>

export const nobodyInterrupted = (): Record<keyof Interrupted, number> => ({
  connect: 0,
  queue: 0,
  send: 0,
  stream: 0,
  commit: 0,
  other: 0
})

export type Command =
  | {
    readonly do: "open"
    readonly contender: ContenderName
    readonly options: ContenderOptions
    readonly canaries: Canaries
    readonly history: string
    readonly prefix: string
    readonly seed: number
  }
  | ({ readonly do: "work" } & Load)
  | { readonly do: "statement"; readonly sql: string }
  /** Begins a statement that sleeps, and does not wait for it. */
  | { readonly do: "sleep"; readonly mark: string }
  /** Interrupts it. */
  | { readonly do: "wake" }
  /** Keeps the event loop busy. */
  | { readonly do: "block"; readonly ms: number }
  | { readonly do: "stop" }
  | { readonly do: "close" }

/** Counted since `open`. */
export interface Progress {
  readonly invoked: number
  readonly pending: number
  readonly ok: number
  readonly failed: number
  readonly unknown: number
  /** Operations that had no answer long after the deadline. */
  readonly hung: number
  readonly interrupted: Interrupted
}

export interface Findings {
  /** Why operations did not succeed, by code. */
  readonly codes: Readonly<Record<string, number>>
  readonly unhandled: ReadonlyArray<string>
  readonly secrets: ReadonlyArray<string>
  /** The longest that an operation took beyond the deadline. */
  readonly overrunMs: number
  /** The same without the time in which the event loop stood still between the deadline and the answer. */
  readonly lateMs: number
  /** The longest that the event loop of the process stood still in the same time. */
  readonly stallMs: number
  readonly interrupted: Interrupted
  /** Connections that the layer believed to be in use when no caller was under way. */
  readonly held: number
  /** `close` did not come back. */
  readonly closeHung: boolean
}

export type Answer =
  | { readonly did: "open" | "work" | "statement" | "sleep" | "block" | "stop" | "failed"; readonly error?: string }
  /** `at` is a time of day in milliseconds, as the server's clock gives it too. */
  | { readonly did: "wake"; readonly at: number }
  | { readonly did: "progress"; readonly progress: Progress }
  | { readonly did: "close"; readonly findings: Findings }

/** No data layer prints this. */
export const mark = "\u0001trust "
