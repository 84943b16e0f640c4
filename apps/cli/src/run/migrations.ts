import * as Migrator from "@ems/db-core/migration/Migrator"
import { Drift, MigrationLint, MigrationPlan, MigrationRepair, MigrationStatus } from "@ems/schema/contract/Migrations"
import * as Effect from "effect/Effect"
import { Findings } from "../Findings.ts"
import { withMemoryDatabase } from "../MemoryDatabase.ts"
import { productMigrations } from "../Migrations.ts"
import { bytes, count, print } from "../Output.ts"
import { confirm } from "../Questions.ts"
import { withDatabase } from "./Db.ts"

interface Flags {
  readonly json: boolean
}

const found = new Findings({ verdict: "findings" })

const lockText = ({ bytes: size, isNew, mode, rows, table }: {
  readonly table: string
  readonly mode: string
  readonly isNew: boolean
  readonly rows: number | null
  readonly bytes: number | null
}): string =>
  `${mode} on ${table}${
    isNew ? ", new" : size === null ? "" : `, ${rows === null ? "" : `about ${count(rows, "row")}, `}${bytes(size)}`
  }`

const planLines = ({ migrations }: MigrationPlan): ReadonlyArray<string> =>
  migrations.length === 0 ? ["nothing is pending"] : migrations.flatMap(({ name, steps }) => [
    `migration ${name}:`,
    ...steps.flatMap(({ kind, lockTimeout, statements }) => [
      `  ${kind === "transaction" ? "in one transaction" : "outside of transactions"}${
        lockTimeout === null ? "" : `, queues ${lockTimeout} ms for a lock at most`
      }`,
      ...statements.flatMap(({ command, isOpaque, line, locks }) => [
        `    ${command} (line ${line})${isOpaque ? ", may lock more than its text tells" : ""}`,
        ...locks.map((lock) => `      ${lockText(lock)}`)
      ])
    ])
  ])

export const runPlan = Effect.fn("emsdb.migrate.plan")(function*({ json }: Flags) {
  const plan: MigrationPlan = { migrations: yield* Migrator.plan(productMigrations) }
  yield* print(MigrationPlan, plan, { json, lines: planLines(plan) })
}, withDatabase)

export const runLint = Effect.fn("emsdb.migrate.lint")(function*({ json }: Flags) {
  const result: MigrationLint = yield* Migrator.lint(productMigrations)
  yield* print(MigrationLint, result, {
    json,
    lines: [
      ...result.findings.flatMap(({ evidence, impact, name, remediation, severity, summary }) => [
        `${severity}: ${String(evidence["migration"])}, line ${String(evidence["line"])}: ${summary} (${name})`,
        `  ${impact}`,
        ...(remediation === null ? [] : remediation.split("\n").map((line) => `  ${line}`))
      ]),
      ...result.ignored.map(({ line, migration, name, reason }) =>
        `accepted: ${migration}, line ${line}: ${name}, ${reason}`
      ),
      count(result.findings.length, "finding")
    ]
  })
  if (result.findings.length > 0) return yield* found
}, withDatabase)

export const runStatus = Effect.fn("emsdb.migrate.status")(function*({ json }: Flags) {
  const status: MigrationStatus = yield* Migrator.status(productMigrations)
  const { applied, begun, edited, missing, pending } = status
  yield* print(MigrationStatus, status, {
    json,
    lines: [
      ...applied.map((name) =>
        `${name}: applied${
          edited.includes(name) ? ", and EDITED since" : missing.includes(name) ? ", and its file is GONE" : ""
        }`
      ),
      ...pending.map((name) => `${name}: pending${begun.includes(name) ? ", begun" : ""}`),
      `${applied.length} applied, ${pending.length} pending`
    ]
  })
  if (edited.length + missing.length > 0) return yield* found
}, withDatabase)

export const runRepair = Effect.fn("emsdb.migrate.repair")(function*({ json, yes }: Flags & { readonly yes: boolean }) {
  const { begun } = yield* Migrator.status(productMigrations)
  // Of what has not begun nothing is left.
  if (begun.length > 0) {
    yield* confirm(
      `Drop the invalid indexes that a killed run of ${begun.join(", ")} left, and note what it had done?`,
      {
        yes
      }
    )
  }
  const repaired = yield* Migrator.repair(productMigrations)
  yield* print(MigrationRepair, { repaired }, {
    json,
    lines: repaired.length === 0 ? ["nothing to repair"] : repaired
  })
}, withDatabase)

/** What the migrations make of an empty database, in memory. */
const expected = withMemoryDatabase(Effect.andThen(Migrator.migrate(productMigrations), Migrator.dump()))

export const runDrift = Effect.fn("emsdb.drift")(function*({ json }: Flags) {
  const differences = yield* Migrator.drift({ expected: yield* expected })
  yield* print(Drift, { differences }, {
    json,
    lines: [
      ...differences.flatMap(({ actual, against, expected, kind, object }) => [
        `${kind} ${object}: ${
          actual === null ? "missing" : expected === null ? "should not be there" : "differs"
        }, by the ${against}`,
        ...(actual === null || expected === null ? [] : [`  expected: ${expected}`, `  is: ${actual}`])
      ]),
      differences.length === 0 ? "no difference" : count(differences.length, "difference")
    ]
  })
  if (differences.length > 0) return yield* found
}, withDatabase)
