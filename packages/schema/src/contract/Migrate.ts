/** `emsdb migrate --json`: which migrations the database has, and which of them this run applied. */
import * as Schema from "effect/Schema"
import { Count, Milliseconds } from "./Scalars.ts"

/** A migration's folder: the instant it was written (UTC, `YYYYMMDDhhmmss`) and what it is called. */
export const MigrationName = Schema.String.check(
  Schema.isPattern(/^\d{14}_[a-z0-9_]+$/u, { expected: "a migration such as 20260131235959_add_tokens" })
)
export type MigrationName = typeof MigrationName.Type

export const AppliedMigration = Schema.Struct({
  name: MigrationName,
  /** True when this run applied it, false when it had been applied before. */
  appliedNow: Schema.Boolean
})
export type AppliedMigration = typeof AppliedMigration.Type

const isOldestFirst = Schema.makeFilter(
  (applied: ReadonlyArray<AppliedMigration>) =>
    applied.every(({ name }, index) => index === 0 || (applied[index - 1]?.name ?? "") < name),
  { expected: "migrations oldest first, each once" }
)

export const Migrate = Schema.Struct({
  /** Every migration that the database has now, oldest first. */
  applied: Schema.Array(AppliedMigration).check(isOldestFirst),
  /** Migrations that are known and still not applied: 0 after a run that was not told to stop early. */
  pending: Count,
  /** How long the run took, waiting for the lock included. */
  durationMs: Milliseconds
})
export type Migrate = typeof Migrate.Type
