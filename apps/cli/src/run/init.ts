import * as AccessTables from "@ems/access/AccessTables"
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import { MaintenanceError } from "@ems/db-core/maintenance/MaintenanceError"
import type { MaintenancePlan } from "@ems/db-core/maintenance/MaintenancePlan"
import type { MaintenanceRequest } from "@ems/db-core/maintenance/MaintenanceRequest"
import type { InitResult } from "@ems/db-core/migration/Initializer"
import * as Initializer from "@ems/db-core/migration/Initializer"
import { Init } from "@ems/schema/contract/Init"
import { Seed } from "@ems/schema/contract/Seed"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
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

const createIndexes: MaintenanceRequest = { action: "createIndexes", actor: "emsdb init" }

/** Of several at once one builds; the others wait for it, and find nothing to do. */
const whileBusy = Schedule.spaced("200 millis").pipe(
  Schedule.upTo({ duration: "10 minutes" }),
  Schedule.while(({ input }) => input instanceof MaintenanceError && input.reason._tag === "RunnerBusy")
)

/** Looks first: where nothing is missing no session of its own is needed, which a pooler may not give. */
const ensureIndexes = Effect.gen(function*() {
  const maintenance = yield* Maintenance
  const before = yield* maintenance.plan(createIndexes)
  if (before.steps.length > 0) yield* Effect.retry(maintenance.run(createIndexes), whileBusy)
  const after = before.steps.length === 0 ? before : yield* maintenance.plan(createIndexes)
  const named = ({ indexes }: MaintenancePlan, ...states: ReadonlyArray<string>) =>
    indexes.filter(({ state }) => states.includes(state)).map(({ name }) => name)
  const present = named(before, "present", "drifted")
  return {
    present,
    created: named(after, "present", "drifted").filter((name) => !present.includes(name)),
    missing: named(after, "missing", "building"),
    invalid: named(after, "invalid")
  }
})

const initOf = (result: InitResult, indexes: Init["indexes"], durationMs: number): Init => ({
  ...result,
  indexes,
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
  const [took, [result, indexes]] = yield* Effect.timed(
    Effect.all([
      // After the migrations: a role is a type of theirs.
      Effect.tap(Initializer.initialize({ migrations: migrationsFolder }), AccessTables.install),
      ensureIndexes
    ])
  )
  const init = initOf(result, indexes, Duration.toMillis(took))
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
    return yield* new Findings({
      verdict: "findings",
      text: `${count(unusable, "index", "indexes")} of the catalog not usable`
    })
  }
}, withDatabase)
