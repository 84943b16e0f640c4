/**
 * Runs what is left of one migration, step by step: each step is a transaction with its notes in the journals, or one
 * statement that has no transaction, between two notes.
 */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import type { Handle } from "../../connection/Database.ts"
import type { Migration } from "../MigrationFiles.ts"
import { holdsUpWriters } from "../statement/LockMode.ts"
import { type Statement, strongest } from "../statement/Statement.ts"
import * as Journal from "./Journal.ts"
import * as Leftovers from "./Leftovers.ts"
import { type Patience, patiently } from "./Patience.ts"
import { atomically } from "./Transaction.ts"

type Db = Handle<AnyRelations>

export interface Step {
  readonly kind: "transaction" | "outside"
  readonly statements: ReadonlyArray<Statement>
}

/** Neighbours share a transaction as far as they may. */
export const stepsOf = (statements: ReadonlyArray<Statement>): ReadonlyArray<Step> => {
  const steps: Array<{ kind: Step["kind"]; open: boolean; statements: Array<Statement> }> = []
  for (const statement of statements) {
    const last = steps.at(-1)
    if (statement.placement === "together" && last?.open === true) last.statements.push(statement)
    else {
      steps.push({
        kind: statement.placement === "outside" ? "outside" : "transaction",
        open: statement.placement === "together",
        statements: [statement]
      })
    }
  }
  return steps
}

/** Milliseconds that its statements may queue for their locks. */
export const lockTimeoutOf = ({ statements }: Step, options: Pick<Patience, "lockTimeout" | "concurrentLockTimeout">) =>
  statements.some((statement) => {
      const mode = strongest(statement)
      return statement.isOpaque || (mode !== undefined && holdsUpWriters(mode))
    })
    ? options.lockTimeout
    : options.concurrentLockTimeout

/** As Postgres reads it: 0 for no limit. */
const setting = (limit: number): string =>
  limit === Number.POSITIVE_INFINITY ? "0" : `${Math.max(1, Math.ceil(limit))}ms`

/** For logs and errors: names a statement without its text. */
const whatOf = (name: string, { statements }: Step): string => {
  const [first] = statements
  const more = statements.length > 1 ? ` and ${statements.length - 1} more` : ""
  return first === undefined ? `migration ${name}` : `migration ${name}, ${first.command} in line ${first.line}${more},`
}

const inTransaction = (db: Db, migration: Migration, { statements }: Step, limit: number, isLast: boolean) =>
  atomically(
    db,
    Effect.gen(function*() {
      yield* db.execute(sql.raw(`set local lock_timeout = '${setting(limit)}'`))
      for (const statement of statements) {
        yield* db.execute(sql.raw(statement.text))
        yield* Journal.finish(db, migration.name, statement)
      }
      if (isLast) yield* Journal.apply(db, migration)
    })
  )

const finished = (db: Db, migration: Migration, statement: Statement, isLast: boolean) =>
  atomically(
    db,
    Effect.gen(function*() {
      yield* Journal.finish(db, migration.name, statement)
      if (isLast) yield* Journal.apply(db, migration)
    })
  )

/** Says what was found of earlier runs, and taken away. */
const outside = Effect.fnUntraced(
  function*(db: Db, migration: Migration, statement: Statement, limit: number, isBegun: boolean, isLast: boolean) {
    yield* db.execute(sql.raw(`set lock_timeout = '${setting(limit)}'`))
    const dropped = yield* Leftovers.clean(db, statement)
    const verdict = yield* Leftovers.look(db, statement, isBegun)
    if (verdict.do === "run") {
      yield* Journal.start(db, migration.name, statement)
      yield* db.execute(sql.raw(verdict.text)).pipe(
        // The server refused: what it left must not stay. Of a lost connection the next run takes care.
        Effect.tapError((error) =>
          error.fate === "Refused"
            ? Effect.ignore(
              Effect.andThen(Leftovers.clean(db, statement), Journal.forget(db, migration.name, statement))
            )
            : Effect.void
        )
      )
    }
    yield* finished(db, migration, statement, isLast)
    return [
      ...dropped.map((name) => `dropped the unusable index ${name}`),
      ...(verdict.do === "nothing"
        ? [`${migration.name}: ${statement.command} in line ${statement.line} was done already`]
        : [])
    ]
  }
)

/** Returns what it repaired, in sentences. */
export const run = Effect.fn("Migrator.run")(
  function*(db: Db, migration: Migration, noted: ReadonlyArray<Journal.Noted>, patience: Patience) {
    const rows = noted.filter((row) => row.migration === migration.name)
    yield* Journal.unchanged(migration.name, migration.statements, rows)
    const state = new Map(rows.map((row) => [row.ordinal, row.state]))
    const left = migration.statements.filter(({ ordinal }) => state.get(ordinal) !== "finished")
    const steps = stepsOf(left)
    const repaired: Array<string> = []
    // Everything ran, or there is nothing to run: only the note is missing.
    if (steps.length === 0) yield* Journal.apply(db, migration)
    for (const [at, step] of steps.entries()) {
      const [statement] = step.statements
      if (statement === undefined) continue
      const limit = lockTimeoutOf(step, patience)
      const isLast = at === steps.length - 1
      const once = step.kind === "transaction"
        ? Effect.as(inTransaction(db, migration, step, limit, isLast), [])
        : outside(db, migration, statement, limit, state.has(statement.ordinal), isLast)
      repaired.push(...(yield* patiently(patience, whatOf(migration.name, step), limit, once)))
    }
    return repaired
  }
)
