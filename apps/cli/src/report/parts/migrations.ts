/** Migrations: those that need attention first, then the latest. */
import { pageFrom } from "@ems/db-core/catalog/AnswerPage"
import { permitted } from "@ems/db-core/catalog/AnswerParts"
import { available } from "@ems/db-core/catalog/CatalogQuery"
import * as Migrator from "@ems/db-core/migration/Migrator"
import type { Migrations } from "@ems/schema/contract/Migrations"
import * as Effect from "effect/Effect"
import { productMigrations } from "../../Migrations.ts"
import { most } from "./most.ts"

type Migration = Migrations["items"][number]

const listed = ({ applied, begun, edited, missing, pending }: Migrator.MigrationStatus): ReadonlyArray<Migration> => {
  const one = (state: Migration["state"]) => (name: string): Migration => ({
    name,
    state,
    isBegun: begun.includes(name),
    isEdited: edited.includes(name),
    isMissing: missing.includes(name)
  })
  return [...applied.toReversed().map(one("applied")), ...pending.map(one("pending"))]
}

const needsAttention = ({ isEdited, isMissing, state }: Migration): boolean =>
  state === "pending" || isEdited || isMissing

const noFiles = {
  because: "files",
  text: "the migration files are not where this program looks for them"
} as const

export const migrations = Effect.gen(function*() {
  const status = Effect.map(Migrator.status(productMigrations), (known) => available(listed(known)))
  const answer = yield* permitted(status, "the journal of migrations").pipe(
    Effect.catchTag("DbConfigError", () => Effect.succeed({ isAvailable: false as const, unavailable: noFiles }))
  )
  const rows = answer.isAvailable ? answer.rows : []
  const count = (isOne: (row: Migration) => boolean) => rows.filter(isOne).length
  return {
    ...pageFrom(rows, { limit: most, sort: "-attention" }, { attention: needsAttention }),
    unavailable: answer.isAvailable ? null : answer.unavailable,
    notes: answer.isAvailable ? answer.notes : [],
    counts: {
      applied: count(({ state }) => state === "applied"),
      pending: count(({ state }) => state === "pending"),
      begun: count(({ isBegun }) => isBegun),
      edited: count(({ isEdited }) => isEdited),
      missing: count(({ isMissing }) => isMissing)
    }
  }
})
