/** Lists of what is in the database and what happens there. */
import type { StatementColumn, StatementWindow } from "@ems/db-core/catalog/StatementReport"
import { blockingColumns, spaceColumns, tableColumns } from "@ems/schema/sortColumns"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { type Columns, listFlags } from "./listFlags.ts"

const statementColumns = ["total", "calls", "mean", "rows", "reads", "temporary", "wal"] as const satisfies Columns<
  StatementColumn
>
const windows = ["1h", "24h", "all"] as const satisfies Columns<StatementWindow>
export const queries = Command.make("queries", {
  window: Flag.Literals("window", windows).pipe(
    Flag.withDescription("The last hour, the last day, or all that is kept"),
    Flag.withDefault("1h")
  ),
  ...listFlags(statementColumns)
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/queries.ts")), ({ runQueries }) => runQueries(flags)))
  .pipe(
    Command.withShortDescription("What ran, how often and how long"),
    Command.withDescription(
      "Shows what pg_stat_statements counted for everybody, by the hour, the dearest first. Its counters are looked at "
        + "by this command too, and what they grew by is kept: so it survives resets and restarts."
    ),
    Command.withExamples([
      { command: "emsdb queries --window 24h", description: "Of the last day" },
      { command: "emsdb queries --sort calls --limit 5", description: "What runs most often" }
    ])
  )

export const tables = Command.make(
  "tables",
  listFlags(tableColumns),
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/tables.ts")), ({ runTables }) => runTables(flags))
).pipe(
  Command.withShortDescription("Tables: size, reads, writes, dead rows"),
  Command.withDescription(
    "Shows how large each table is, how it is read, and what is written to it; the largest first."
  ),
  Command.withExamples([{ command: "emsdb tables --sort deadRows", description: "Where VACUUM has work" }])
)

export const space = Command.make(
  "space",
  listFlags(spaceColumns),
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/space.ts")), ({ runSpace }) => runSpace(flags))
).pipe(
  Command.withShortDescription("What takes how much room, and how fast it grows"),
  Command.withDescription("Shows the database and its tables, the largest first, and what a rewrite would gain."),
  Command.withExamples([{ command: "emsdb space --sort growth", description: "What fills the disk" }])
)

export const locks = Command.make(
  "locks",
  listFlags(blockingColumns),
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/locks.ts")), ({ runLocks }) => runLocks(flags))
).pipe(
  Command.withShortDescription("Who waits for whose locks"),
  Command.withDescription(
    "Shows each session that others wait for and that itself waits for nobody, with those who wait behind it. "
      + "emsdb cancel and emsdb kill end what holds them up."
  ),
  Command.withExamples([{ command: "emsdb locks", description: "Who is in the way" }])
)
