import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { common, indexes as names } from "./maintenanceFlags.ts"

const maintenance = Effect.promise(() => import("../run/maintenance.ts"))

const create = Command.make(
  "create",
  {
    indexes: names,
    rebuildDrifted: Flag.Boolean("rebuild-drifted").pipe(
      Flag.withDescription("Also rebuild those that are not as they were defined"),
      Flag.withDefault(false)
    ),
    parallel: Flag.Literals("parallel", ["1", "2"]).pipe(
      Flag.withDescription("Tables at a time"),
      Flag.withDefault("1")
    ),
    ...common
  },
  ({ indexes, parallel, rebuildDrifted, ...flags }) =>
    Effect.flatMap(maintenance, ({ namesOf, runMaintenance }) =>
      runMaintenance({
        action: "createIndexes",
        indexes: namesOf(indexes),
        rebuildDrifted,
        parallel: parallel === "2" ? 2 : 1
      }, flags))
).pipe(
  Command.withShortDescription("Build the product's indexes that are missing or broken"),
  Command.withDescription(
    "Holds the indexes of the database against those that the product defines. Builds what is missing and rebuilds "
      + "what was not built to its end, concurrently: readers and writers go on. What is not as defined is reported."
  ),
  Command.withExamples([
    { command: "emsdb indexes create --dry-run", description: "What would be built" },
    { command: "emsdb indexes create --parallel 2", description: "Build it, two tables at a time" }
  ])
)

const drop = Command.make(
  "drop",
  { indexes: names, ...common },
  ({ indexes, ...flags }) =>
    Effect.flatMap(
      maintenance,
      ({ namesOf, runMaintenance }) => runMaintenance({ action: "dropIndex", indexes: namesOf(indexes) ?? [] }, flags)
    )
).pipe(
  Command.withShortDescription("Drop indexes concurrently, keeping what makes them again"),
  Command.withDescription(
    "Drops indexes that nothing needs, concurrently. The plan and the record of the job hold the statement that makes "
      + "each again. An index that a constraint, a foreign key or a replica needs is refused."
  ),
  Command.withExamples([
    { command: "emsdb indexes drop --indexes public.idx_old --dry-run", description: "Look first" }
  ])
)

export const indexes = Command.make("indexes").pipe(
  Command.withShortDescription("Indexes: build, drop"),
  Command.withDescription("Builds and drops indexes without holding up readers or writers."),
  Command.withSubcommands([create, drop])
)
