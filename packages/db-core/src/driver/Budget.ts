/**
 * What a call may still take, and what it holds: carried by the fibres that work for it.
 */
import * as Context from "effect/Context"
import type { Session } from "./Session.ts"

/**
 * How far the call has come. It decides the fate that a caller is told who stops waiting.
 * - `nothing`: no statement was given to a connection.
 * - `sent`: a lone statement is under way.
 * - `transaction`: statements of a transaction that was not committed.
 * - `commit`: COMMIT is under way.
 */
export type Progress = "nothing" | "sent" | "transaction" | "commit"

export interface Budget {
  /** When the caller is back at the latest; the clock's milliseconds. */
  readonly at: number
  /** What the call was given in all, in milliseconds; `undefined` when it is the usual limit, which sessions have. */
  readonly unusual: number | undefined
  progress: Progress
  /** The caller was told; from now on nothing may happen that would make it untrue. */
  isOver: boolean
  /** Connections at work for this call alone; mostly one. */
  readonly holds: Array<Session>
  /** The last shared connection that a statement was given to, and `Session.heard` before it was. */
  shared: Session | undefined
  heard: number
}

export const CurrentBudget = Context.Reference<Budget | undefined>("@ems/db-core/driver/Budget/CurrentBudget", {
  defaultValue: () => undefined
})

/** Collects the `xid8` of the transactions that a call commits, for who wants to name them to another process. */
export const CommittedXids = Context.Reference<Array<string> | undefined>("@ems/db-core/driver/Budget/CommittedXids", {
  defaultValue: () => undefined
})

/** Notes that `session` works for the call alone, until the returned function is called. */
export const hold = (budget: Budget | undefined, session: Session): () => void => {
  if (budget === undefined) return () => {}
  budget.holds.push(session)
  return () => void budget.holds.splice(budget.holds.indexOf(session), 1)
}

/** As Postgres reads it: whole milliseconds, 0 for no limit. */
export const timeoutSetting = (timeout: number): number =>
  timeout === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(timeout))

/** What is to be done when a deadline passes. */
export interface Expiry {
  readonly expire: () => void
}

/** Deadlines of single statements on shared connections. */
export interface Alarms {
  /** Calls `expire` when the clock has passed `at`, unless it is cleared. */
  readonly set: (at: number, expiry: Expiry) => void
  readonly clear: (at: number, expiry: Expiry) => void
  /** The server has not been heard since `heard`: gives `session` up if it stays so beyond the server's own limit. */
  readonly suspect: (session: Session, heard: number) => void
}
