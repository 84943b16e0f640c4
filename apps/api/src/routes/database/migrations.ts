/** `GET /api/db/migrations`: what was applied to the database, and what is pending. */
import { pageOfAnswer } from "@ems/db-core/catalog/AnswerPage"
import { permitted } from "@ems/db-core/catalog/AnswerParts"
import { type Answer, available } from "@ems/db-core/catalog/CatalogQuery"
import * as Migrator from "@ems/db-core/migration/Migrator"
import { Migrations, MigrationsQuery } from "@ems/schema/contract/Migrations"
import * as Effect from "effect/Effect"
import { Elysia } from "elysia"
import { only } from "../../http/Access.ts"
import * as Contract from "../../http/Contract.ts"
import type { Runtime } from "../../Runtime.ts"

type Migration = Migrations["items"][number]

const listed = ({ applied, begun, edited, missing, pending }: Migrator.MigrationStatus): ReadonlyArray<Migration> => {
  const [isBegun, isEdited, isMissing] = [new Set(begun), new Set(edited), new Set(missing)]
  const one = (state: Migration["state"]) => (name: string): Migration => ({
    name,
    state,
    isBegun: isBegun.has(name),
    isEdited: isEdited.has(name),
    isMissing: isMissing.has(name)
  })
  return [...applied.map(one("applied")), ...pending.map(one("pending"))]
}

const noFiles = {
  because: "files",
  text: "the migration files are not where this process looks for them: set EMS_MIGRATIONS to their folder"
} as const

const count = (rows: ReadonlyArray<Migration>, isOne: (row: Migration) => boolean): number => rows.filter(isOne).length

const list = (folder: string) => (query: typeof MigrationsQuery.Type) =>
  Effect.gen(function*() {
    const status = Effect.map(Migrator.status(folder), (known): Answer<Migration> => available(listed(known)))
    const answer = yield* permitted(status, "the journal of migrations").pipe(
      Effect.map((answer) => ({ answer, lacking: null })),
      Effect.catchTag("DbConfigError", () => Effect.succeed({ answer: available<Migration>([]), lacking: noFiles }))
    )
    const rows = answer.answer.isAvailable ? answer.answer.rows : []
    const page = pageOfAnswer(answer.answer, query, { name: ({ name }) => name })
    return {
      ...page,
      unavailable: answer.lacking ?? page.unavailable,
      counts: {
        applied: count(rows, ({ state }) => state === "applied"),
        pending: count(rows, ({ state }) => state === "pending"),
        begun: count(rows, ({ isBegun }) => isBegun),
        edited: count(rows, ({ isEdited }) => isEdited),
        missing: count(rows, ({ isMissing }) => isMissing)
      }
    } satisfies Migrations
  })

/** `folder` is the one that drizzle-kit writes. */
export const migrations = ({ respond }: Pick<Runtime, "respond">, folder: string) => {
  const answer = list(folder)
  return new Elysia().get("/api/db/migrations", ({ query, request }) => respond(answer(query), request), {
    query: Contract.request(MigrationsQuery),
    response: { 200: Contract.response(Migrations) },
    detail: only("viewer", "database:read", {
      summary: "Migrations, applied and pending",
      description: "In their order, with those that were begun, and those whose files have changed or gone since.",
      tags: ["database"]
    })
  })
}
