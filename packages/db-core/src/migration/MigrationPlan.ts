/**
 * What a run would do, without doing it: its transactions, the lock of each statement, and how large the tables are
 * that it locks.
 */
import * as Effect from "effect/Effect"
import type { MigrationSource } from "./MigrationFiles.ts"
import { readPending, type TableLock } from "./Pending.ts"
import { defaults, type PatienceOptions } from "./run/Patience.ts"
import { lockTimeoutOf, stepsOf } from "./run/Steps.ts"

export interface PlannedStatement {
  /** Of its file, from 1. */
  readonly line: number
  /** As Postgres calls it, such as `ALTER TABLE`. */
  readonly command: string
  readonly text: string
  readonly locks: ReadonlyArray<TableLock>
  /** It may take more locks than its text tells: a function, a DO block, CASCADE. */
  readonly isOpaque: boolean
}

export interface PlannedStep {
  /** `transaction`: all of it or nothing. `outside`: one statement that Postgres refuses in a transaction. */
  readonly kind: "transaction" | "outside"
  /** How long it may queue for a lock before it lets others pass. Milliseconds; null for no limit. */
  readonly lockTimeout: number | null
  readonly statements: ReadonlyArray<PlannedStatement>
}

export interface PlannedMigration {
  readonly name: string
  /** What is left of it, in order. */
  readonly steps: ReadonlyArray<PlannedStep>
}

/** Changes nothing. Empty when nothing is pending. */
export const plan = Effect.fn("Migrator.plan")(function*(source: MigrationSource, options: PatienceOptions = {}) {
  const pending = yield* readPending(source)
  const timeouts = { ...defaults, ...options }
  return pending.migrations.map(({ name, statements }): PlannedMigration => ({
    name,
    steps: stepsOf(statements).map((step): PlannedStep => {
      const limit = lockTimeoutOf(step, timeouts)
      return {
        kind: step.kind,
        lockTimeout: limit === Number.POSITIVE_INFINITY ? null : limit,
        statements: step.statements.map((statement) => ({
          line: statement.line,
          command: statement.command,
          text: statement.text,
          locks: pending.locks(statement),
          isOpaque: statement.isOpaque
        }))
      }
    })
  }))
})
