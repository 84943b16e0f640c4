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

/** A connection at work for a call. */
export interface Hold {
  readonly session: Session
  /** For this call alone, or shared with others. */
  readonly alone: boolean
  /** `Session.heard` when the work began. */
  readonly heard: number
}

export interface Budget {
  /** When the caller is back at the latest; the clock's milliseconds. */
  readonly at: number
  /** What the call was given in all, in milliseconds; `undefined` when it is the usual limit, which sessions have. */
  readonly unusual: number | undefined
  progress: Progress
  /** The caller was told; from now on nothing may happen that would make it untrue. */
  isOver: boolean
  /** Mostly one. */
  readonly holds: Array<Hold>
}

export const CurrentBudget = Context.Reference<Budget | undefined>("@ems/db-core/driver/Budget/CurrentBudget", {
  defaultValue: () => undefined
})

/** Notes that `session` works for the call until the returned function is called. */
export const hold = (budget: Budget | undefined, session: Session, alone: boolean): () => void => {
  if (budget === undefined) return () => {}
  const held: Hold = { session, alone, heard: session.heard }
  budget.holds.push(held)
  return () => void budget.holds.splice(budget.holds.indexOf(held), 1)
}

/** As Postgres reads it: whole milliseconds, 0 for no limit. */
export const timeoutSetting = (timeout: number): number =>
  timeout === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(timeout))
