import type { MigrationResult } from "@ems/db-core/migration/Migrator"
import * as Migrator from "@ems/db-core/migration/Migrator"
import { Migrate } from "@ems/schema/contract/Migrate"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { migrationsFolder } from "../Migrations.ts"
import { count, duration, print } from "../Output.ts"
import { withDatabase } from "./Db.ts"

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

export const runMigrate = Effect.fn("emsdb.migrate")(function*(options: { readonly json: boolean }) {
  const [took, result] = yield* Effect.timed(Migrator.migrate(migrationsFolder))
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
