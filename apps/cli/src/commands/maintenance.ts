/** What keeps a database in order: one job at a time, readers and writers go on. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { common, indexes, tables } from "./maintenanceFlags.ts"
import { yes } from "./yes.ts"

const run = Effect.promise(() => import("../run/maintenance.ts"))

export const analyze = Command.make(
  "analyze",
  { tables, ...common },
  ({ tables, ...flags }) =>
    Effect.flatMap(
      run,
      ({ namesOf, runMaintenance }) => runMaintenance({ action: "analyzeTables", tables: namesOf(tables) }, flags)
    )
).pipe(
  Command.withShortDescription("Bring the planner's statistics up to date"),
  Command.withDescription("Runs ANALYZE on the named tables, or on all."),
  Command.withExamples([{ command: "emsdb analyze --tables events,users", description: "Two tables" }])
)

export const vacuum = Command.make(
  "vacuum",
  { tables, ...common },
  ({ tables, ...flags }) =>
    Effect.flatMap(
      run,
      ({ namesOf, runMaintenance }) => runMaintenance({ action: "vacuumTables", tables: namesOf(tables) }, flags)
    )
).pipe(
  Command.withShortDescription("Remove dead rows"),
  Command.withDescription(
    "Runs VACUUM on the named tables, or on all, and says how many dead rows it removed and who kept it from more."
  ),
  Command.withExamples([{ command: "emsdb vacuum --dry-run", description: "What would be done" }])
)

export const reindex = Command.make(
  "reindex",
  { indexes, ...common },
  ({ indexes, ...flags }) =>
    Effect.flatMap(
      run,
      ({ namesOf, runMaintenance }) => runMaintenance({ action: "reindex", indexes: namesOf(indexes) ?? [] }, flags)
    )
).pipe(
  Command.withShortDescription("Rebuild indexes concurrently"),
  Command.withDescription("Runs REINDEX CONCURRENTLY on the named indexes; readers and writers go on."),
  Command.withExamples([{ command: "emsdb reindex --indexes idx_events_date", description: "One index" }])
)

export const optimize = Command.make(
  "optimize",
  {
    tables,
    full: Flag.Boolean("full").pipe(
      Flag.withDescription("VACUUM FULL of the named tables: nobody can read or write them meanwhile"),
      Flag.withDefault(false)
    ),
    yes,
    ...common
  },
  ({ full, tables, ...flags }) =>
    Effect.flatMap(
      run,
      ({ namesOf, runMaintenance }) =>
        runMaintenance({ action: "optimizeStorage", tables: namesOf(tables), full }, flags)
    )
).pipe(
  Command.withShortDescription("Vacuum, analyze, and rebuild bloated indexes"),
  Command.withDescription(
    "Vacuums and analyses the named tables, or all, and rebuilds their bloated indexes. With --full it shows the plan "
      + "and asks first."
  ),
  Command.withExamples([
    { command: "emsdb optimize --dry-run", description: "What would be done, with sizes and locks" },
    {
      command: "emsdb optimize --full --tables payment_history",
      description: "Write one table anew; asks before it does"
    }
  ])
)

export const maintenance = Command.make(
  "maintenance",
  common,
  (flags) => Effect.flatMap(run, ({ runMaintenance }) => runMaintenance({ action: "maintenance" }, flags))
).pipe(
  Command.withShortDescription("Do what is due: analyze, vacuum, repair"),
  Command.withDescription(
    "Analyses tables of which a tenth changed, vacuums those of which a fifth is dead, and rebuilds indexes that were "
      + "not built to their end."
  ),
  Command.withExamples([{ command: "emsdb maintenance --dry-run", description: "What is due" }])
)
