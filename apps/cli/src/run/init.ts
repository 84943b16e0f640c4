import type { InitResult } from "@ems/db-core/migration/Initializer"
import * as Initializer from "@ems/db-core/migration/Initializer"
import { indexCatalog } from "@ems/schema"
import { Init } from "@ems/schema/contract/Init"
import { Seed } from "@ems/schema/contract/Seed"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Findings } from "../Findings.ts"
import { migrationsFolder } from "../Migrations.ts"
import { count, duration, print } from "../Output.ts"
import { seed } from "../seed/Seed.ts"
import { withDatabase } from "./Db.ts"
import { migrateLines, migrateOf } from "./migrate.ts"
import { seedLines } from "./seed.ts"

/** `emsdb init --seed --json`: both results, each by its own contract. */
export const InitAndSeed = Schema.Struct({ init: Init, seed: Seed })

const initOf = (result: InitResult, durationMs: number): Init => ({
  ...result,
  migrations: migrateOf(result.migrations, durationMs)
})

const made = (created: boolean) => created ? "created" : "already there"

const changeLogLines = ({ added, definitions, tracked }: NonNullable<Init["changeLog"]>): ReadonlyArray<string> => [
  `change log: ${count(tracked.length, "table")}, ${added.length} of them added` +
  (definitions ? "" : "; changed definitions are found within a second, at once where a superuser runs this")
]

const initLines = ({ changeLog, database, indexes, migrations, schema, statistics }: Init): ReadonlyArray<string> => [
  `database ${database.name}: ${made(database.created)}`,
  `schema ${schema.name}: ${made(schema.created)}`,
  ...migrateLines(migrations),
  ...(changeLog === null ? [] : changeLogLines(changeLog)),
  ...indexes.created.map((name) => `index ${name}: created`),
  ...indexes.missing.map((name) => `index ${name}: MISSING, another session may be building it`),
  ...indexes.invalid.map((name) => `index ${name}: INVALID, its build was interrupted`),
  `indexes: ${indexes.created.length} created, ${indexes.present.length} already there`,
  `statistics: ${count(statistics.analyzed, "table")} analyzed`,
  `done in ${duration(migrations.durationMs)}`
]

export const runInit = Effect.fn("emsdb.init")(function*(options: { readonly seed: boolean; readonly json: boolean }) {
  const [took, result] = yield* Effect.timed(
    Initializer.initialize({ migrations: migrationsFolder, indexes: indexCatalog })
  )
  const init = initOf(result, Duration.toMillis(took))
  if (options.seed) {
    const seeded = yield* seed({ scale: 1, force: false })
    yield* print(InitAndSeed, { init, seed: seeded }, {
      json: options.json,
      lines: [...initLines(init), ...seedLines(seeded)]
    })
  } else {
    yield* print(Init, init, { json: options.json, lines: initLines(init) })
  }
  const unusable = init.indexes.missing.length + init.indexes.invalid.length
  if (unusable > 0) {
    return yield* new Findings({ verdict: "findings", text: `${count(unusable, "index")} of the catalog not usable` })
  }
}, withDatabase)
