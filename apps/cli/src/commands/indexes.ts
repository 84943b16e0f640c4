import type { IndexColumn } from "@ems/db-core/catalog/IndexReport"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { api } from "./api.ts"
import { json } from "./json.ts"
import { type Columns, listFlags } from "./listFlags.ts"
import { common, indexes as names } from "./maintenanceFlags.ts"
import { yes } from "./yes.ts"

const maintenance = Effect.promise(() => import("../run/maintenance.ts"))
const reports = Effect.promise(() => import("../run/indexes.ts"))

const columns = ["bytes", "scans", "writes", "wasted"] as const satisfies Columns<IndexColumn>

const list = Command.make("list", {
  finding: Flag.Literals("finding", ["unused", "redundant", "invalid"]).pipe(
    Flag.withDescription("Only indexes of which this was found"),
    Flag.optional
  ),
  ...listFlags(columns)
}, (flags) => Effect.flatMap(reports, ({ runIndexList }) => runIndexList(flags))).pipe(
  Command.withShortDescription("Show every index, its use, and what speaks against it"),
  Command.withDescription(
    "Shows every index once, the largest first: its size and scans, why it must stay, and whether it is unused, "
      + "redundant, invalid or bloated."
  ),
  Command.withExamples([{ command: "emsdb indexes list --finding unused", description: "What nobody reads" }])
)

const verify = Command.make(
  "verify",
  { api, json },
  (flags) => Effect.flatMap(reports, ({ runIndexVerify }) => runIndexVerify(flags))
).pipe(
  Command.withShortDescription("Hold the indexes against those that the product defines"),
  Command.withDescription(
    "Says which of the product's indexes are missing, invalid or not as defined. Changes nothing. Exit code 1 when "
      + "there is one."
  ),
  Command.withExamples([{ command: "emsdb indexes verify", description: "Before a release" }])
)

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
    yes,
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
      + "what was not built to its end, concurrently: readers and writers go on. What is not as defined is reported; --rebuild-drifted asks before it "
      + "drops that."
  ),
  Command.withExamples([
    { command: "emsdb indexes create --dry-run", description: "What would be built" },
    { command: "emsdb indexes create --parallel 2", description: "Build it, two tables at a time" }
  ])
)

const drop = Command.make(
  "drop",
  { indexes: names, yes, ...common },
  ({ indexes, ...flags }) =>
    Effect.flatMap(
      maintenance,
      ({ namesOf, runMaintenance }) => runMaintenance({ action: "dropIndex", indexes: namesOf(indexes) ?? [] }, flags)
    )
).pipe(
  Command.withShortDescription("Drop indexes concurrently, keeping what makes them again"),
  Command.withDescription(
    "Shows the plan, asks, and drops indexes that nothing needs, concurrently. The plan and the record of the job hold the statement that makes "
      + "each again. An index that a constraint, a foreign key or a replica needs is refused."
  ),
  Command.withExamples([
    { command: "emsdb indexes drop --indexes public.idx_old --dry-run", description: "Look first" }
  ])
)

export const indexes = Command.make("indexes").pipe(
  Command.withShortDescription("Indexes: list, verify, build, drop"),
  Command.withDescription("Shows indexes; builds and drops them without holding up readers or writers."),
  Command.withSubcommands([list, verify, create, drop])
)
