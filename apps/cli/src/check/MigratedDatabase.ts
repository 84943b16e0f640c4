/**
 * What the migrations make of an empty database, in memory: where a pull request is looked at without a server. Checks
 * of a server's life have no answer there, and are left out.
 */
import { checkNames, checkReport } from "@ems/db-core/catalog/CheckReport"
import { type MigrationFile, readFiles } from "@ems/db-core/migration/MigrationFiles"
import * as Migrator from "@ems/db-core/migration/Migrator"
import * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { withMemoryDatabase } from "../MemoryDatabase.ts"
import { productMigrations } from "../Migrations.ts"
import { count } from "../Output.ts"

/** Those that an empty database answers as a full one does. */
export const schemaChecks: ReadonlyArray<string> = [
  "invalid-index",
  "not-validated-constraint",
  "no-primary-key",
  "unindexed-foreign-key",
  "redundant-index",
  "autovacuum-disabled"
]

/** There are no rows whose number could make a missing index matter: it is taken for one of a large table. */
const limits = { "unindexed-foreign-key.rows": 0, "unindexed-foreign-key.deletes": 0 }

const refused = (folder: string, expected: string) =>
  new CliError.InvalidValue({ option: "folder", value: folder, expected, kind: "flag" })

const whole = "a folder that drizzle-kit generate has written"

/** An empty folder would find nothing wrong. */
const filesOf = Effect.fnUntraced(function*(folder: string) {
  const files = yield* Effect.mapError(readFiles(folder), () => refused(folder, whole))
  return files.length === 0 ? yield* refused(folder, whole) : files
})

const report = Effect.fnUntraced(
  function*(files: ReadonlyArray<MigrationFile>, only: ReadonlyArray<string> | undefined) {
    yield* Migrator.migrate(files)
    const found = yield* checkReport({ only: only ?? schemaChecks, limits })
    return only !== undefined ? found : {
      ...found,
      leftOut: {
        reason: `an empty database that ${count(files.length, "migration")} made has no answer`,
        names: checkNames.filter((name) => !schemaChecks.includes(name))
      }
    }
  },
  withMemoryDatabase
)

/** `only`: names of `schemaChecks`. Default: all of them. `folder`: default the product's own migrations. */
export const checkMigrations = Effect.fnUntraced(function*({ folder, only }: {
  readonly folder: string | undefined
  readonly only: ReadonlyArray<string> | undefined
}) {
  const files = typeof folder === "string" ? yield* filesOf(folder) : yield* readFiles(productMigrations)
  // What is wrong with a file names it, and not its folder.
  return yield* Effect.catchTag(
    report(files, only),
    "DbConfigError",
    ({ expected, value }) => Effect.fail(refused(value, expected))
  )
})
