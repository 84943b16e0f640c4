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
import { cancellable, Interrupted } from "../Cancellation.ts"
import { Findings } from "../Findings.ts"
import { productMigrations } from "../Migrations.ts"
import { count, duration, print } from "../Output.ts"
import { shown } from "../progress/JobProgress.ts"
import type { StatusLine } from "../progress/StatusLine.ts"
import { shownSteps } from "../progress/Steps.ts"
import { withDatabase } from "./Db.ts"
import { appliedSoFar, migrateLines, migrateOf, soFarText } from "./migrate.ts"
import { seedLines, seedShown } from "./seed.ts"

/** `emsdb init --seed --json`: both results, each by its own contract. */
export const InitAndSeed = Schema.Struct({ init: Init, seed: Seed })

const createIndexes: MaintenanceRequest = { action: "createIndexes", actor: "emsdb init" }

/** Of several at once one builds; the others wait for it, and find nothing to do. */
const whileBusy = Schedule.spaced("200 millis").pipe(
  Schedule.upTo({ duration: "10 minutes" }),
  Schedule.while(({ input }) => input instanceof MaintenanceError && input.reason._tag === "RunnerBusy")
)

/** Looks first: where nothing is missing no session of its own is needed, which a pooler may not give. */
const ensureIndexes = Effect.fnUntraced(function*(status: StatusLine | undefined, json: boolean) {
  const maintenance = yield* Maintenance
  const before = yield* maintenance.plan(createIndexes)
  const build = Effect.scoped(Effect.gen(function*() {
    const job = yield* maintenance.start(createIndexes)
    if (!json) yield* Effect.forkScoped(shown(maintenance.progress(job.id), status))
    yield* Effect.onInterrupt(job.result, () => Effect.ignore(maintenance.cancel(job.id)))
  }))
  if (before.steps.length > 0) yield* Effect.retry(build, whileBusy)
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

/** Shows what it is at; at Ctrl-C says how far it came. */
const prepared = Effect.fnUntraced(function*(json: boolean) {
  const steps = yield* shownSteps(json)
  const work = Effect.gen(function*() {
    yield* steps.at(1, 4, "database and internal tables")
    const result = yield* Initializer.initialize({
      migrations: productMigrations,
      begins: (at, of, name) => steps.at(2, 4, `migration ${at} of ${of}, ${name}`)
    })
    yield* steps.at(3, 4, "accounts")
    // After the migrations: a role is a type of theirs.
    yield* AccessTables.install
    yield* steps.at(4, 4, "indexes")
    return [result, yield* ensureIndexes(steps.status, json)] as const
  })
  return yield* cancellable(work, {
    json,
    status: steps.status,
    leaves: "an index may be left INVALID: emsdb init goes on and mends it"
  }).pipe(
    Effect.catchTag(
      "Interrupted",
      () => Effect.flatMap(appliedSoFar, (found) => new Interrupted({ text: soFarText(found) }))
    )
  )
}, Effect.scoped)

export const runInit = Effect.fn("emsdb.init")(function*(options: { readonly seed: boolean; readonly json: boolean }) {
  const [took, [result, indexes]] = yield* Effect.timed(prepared(options.json))
  const init = initOf(result, indexes, Duration.toMillis(took))
  if (options.seed) {
    const seeded = yield* seedShown({ scale: 1, force: false }, options.json)
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
