/**
 * What a layer above may learn of every statement. The driver calls; statistics, logs and the cache implement.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { DbError } from "../errors/DbError.ts"

/** `shared`: pipelined with other callers' reads. `exclusive`: alone on its connection. */
export type Lane = "shared" | "exclusive"

/** One finished statement. */
export interface StatementOutcome {
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
  readonly lane: Lane
  /** Of the caller. */
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** In whole milliseconds unless the hooks are precise. */
  readonly durationMs: number
  /** Rows returned, or affected where none are returned. */
  readonly rows: number
  readonly error: DbError | undefined
}

/** What is to be done once the outcome of a write is known. Called once. */
export type Settle = () => void

/** Hears of one transaction. */
export interface TransactionHooks {
  /** A statement is about to run in it. */
  readonly statement: (sql: string) => void
  /** COMMIT is about to be sent. What is returned is called when its outcome is known, before the caller hears of it. */
  readonly committing: () => Settle
}

export interface StatementHooksShape {
  /** Whether durations are wanted with fractions of a millisecond. */
  readonly isPrecise: boolean
  /** Called after each statement, in the caller's fibre. `undefined` when there is nothing to do: the usual case. */
  readonly outcome: (outcome: StatementOutcome) => Effect.Effect<void> | undefined
  /** A statement failed before any connection had it. */
  readonly unsent: (
    sql: string,
    params: ReadonlyArray<unknown>,
    fiber: Fiber.Fiber<unknown, unknown>,
    error: DbError
  ) => void
  /**
   * A lone statement that may write is about to be sent. What is returned is called when its outcome is known, before
   * the caller hears of it.
   */
  readonly writing: (sql: string) => Settle
  readonly transaction: () => TransactionHooks
}

const nothing = () => {}
const noTransaction: TransactionHooks = { statement: nothing, committing: () => nothing }

/** For nobody. */
export const none: StatementHooksShape = {
  isPrecise: false,
  outcome: () => undefined,
  unsent: nothing,
  writing: () => nothing,
  transaction: () => noTransaction
}

/** Nobody listens unless a layer says so. */
export const StatementHooks = Context.Reference<StatementHooksShape>("@ems/db-core/driver/StatementHooks", {
  defaultValue: () => none
})
