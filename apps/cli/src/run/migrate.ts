import type { MigrationResult, MigrationStatus } from "@ems/db-core/migration/Migrator"
import * as Migrator from "@ems/db-core/migration/Migrator"
import { Migrate } from "@ems/schema/contract/Migrate"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { cancellable, Interrupted } from "../Cancellation.ts"
import { productMigrations } from "../Migrations.ts"
import { count, duration, print } from "../Output.ts"
import { shownSteps } from "../progress/Steps.ts"
import { withDatabase } from "./Db.ts"
import { agreed } from "./migrationDanger.ts"

/** The contract of what the migrator says. */
export const migrateOf = (result: MigrationResult, durationMs: number): Migrate => {
  const now = new Set(result.appliedNow)
  return {
    applied: result.applied.map((name) => ({ name, appliedNow: now.has(name) })),
    pending: result.pending.length,
    durationMs
  }
}

export const migrateLines = ({ applied, pending }: Migrate): ReadonlyArray<string> => {
  const now = applied.filter((migration) => migration.appliedNow)
  return [
    ...now.map(({ name }) => `migration ${name}: applied`),
    `migrations: ${now.length} applied, ${applied.length - now.length} already there, ${pending} pending`
  ]
}

/**
 * What is applied after all, and how much is left, once what was cut off is cleared up. The next run goes on from
 * there. Nothing where the database cannot be asked, or has no migrations yet.
 */
export const appliedSoFar: Effect.Effect<
  Option.Option<MigrationStatus>,
  never,
  Effect.Services<ReturnType<typeof Migrator.status>>
> = Migrator.repair(productMigrations, { runnerWait: 5000 }).pipe(
  Effect.ignore,
  Effect.andThen(Migrator.status(productMigrations)),
  Effect.option
)

export const soFarText = (found: Option.Option<MigrationStatus>): string =>
  Option.match(found, {
    onNone: () => "interrupted; run again, it goes on",
    onSome: ({ applied, begun, pending }) =>
      `interrupted: ${applied.length} of ${count(applied.length + pending.length, "migration")} applied${
        begun.length === 0 ? "" : `, ${begun.join(", ")} begun`
      }; run again, it goes on`
  })

/** Shows which migration it is at; at Ctrl-C says which are applied, by the contract where a program reads. */
const migrateShown = Effect.fnUntraced(function*(json: boolean) {
  const shown = yield* shownSteps(json)
  return yield* cancellable(Migrator.migrate(productMigrations, { begins: shown.at }), {
    json,
    status: shown.status,
    leaves: "an index may be left INVALID: emsdb migrate goes on and mends it"
  }).pipe(
    Effect.catchTag("Interrupted", () =>
      Effect.gen(function*() {
        const found = yield* appliedSoFar
        if (json && Option.isSome(found)) {
          const { applied, pending } = found.value
          const sofar = { applied: applied.map((name) => ({ name, appliedNow: false })), pending: pending.length }
          yield* print(Migrate, { ...sofar, durationMs: 0 }, { json, lines: [] })
        }
        return yield* new Interrupted({ text: soFarText(found) })
      }))
  )
}, Effect.scoped)

export interface MigrateFlags {
  readonly json: boolean
  readonly yes: boolean
}

export const runMigrate = Effect.fn("emsdb.migrate")(function*(options: MigrateFlags) {
  yield* agreed(options.yes)
  const [took, result] = yield* Effect.timed(migrateShown(options.json))
  const migrate = migrateOf(result, Duration.toMillis(took))
  yield* print(Migrate, migrate, {
    json: options.json,
    lines: [
      ...result.repaired,
      ...migrateLines(migrate),
      `${count(migrate.applied.length, "migration")} in ${duration(migrate.durationMs)}`
    ]
  })
}, withDatabase)
