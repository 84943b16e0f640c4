import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { json } from "./json.ts"
import { yes } from "./yes.ts"

const migrations = Effect.promise(() => import("../run/migrations.ts"))

const up = Command.make(
  "up",
  { yes, json },
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/migrate.ts")), ({ runMigrate }) => runMigrate(flags))
).pipe(
  Command.withShortDescription("Apply the pending migrations; without a subcommand this is done"),
  Command.withDescription(
    "Applies the pending migrations of the folder drizzle/ without holding anybody up. Of several runs at once one "
      + "applies, the others find nothing to do. One that was killed is finished by the next."
  ),
  Command.withExamples([{ command: "emsdb migrate up --yes", description: "In a script that accepts what lint finds" }])
)

const plan = Command.make(
  "plan",
  { json },
  (flags) => Effect.flatMap(migrations, ({ runPlan }) => runPlan(flags))
).pipe(
  Command.withShortDescription("Say what would run, what it locks, and how large that is"),
  Command.withDescription(
    "Shows the transactions, the lock of each statement and the size of its tables. Changes nothing."
  ),
  Command.withExamples([{ command: "emsdb migrate plan", description: "Before a release" }])
)

const lint = Command.make(
  "lint",
  { json },
  (flags) => Effect.flatMap(migrations, ({ runLint }) => runLint(flags))
).pipe(
  Command.withShortDescription("Name the pending statements that are dangerous, with a safe rewrite"),
  Command.withDescription(
    "Looks at the pending migrations with the server's version and the sizes of its tables. A comment before a "
      + "statement accepts it: -- ems-lint-ignore rule-name: reason. Exit code 1 when something was found."
  ),
  Command.withExamples([{ command: "emsdb migrate lint --json", description: "For a program" }])
)

const status = Command.make(
  "status",
  { json },
  (flags) => Effect.flatMap(migrations, ({ runStatus }) => runStatus(flags))
).pipe(
  Command.withShortDescription("Say what is applied, pending, begun or edited"),
  Command.withDescription(
    "Compares the journal with the files. Exit code 1 when an applied migration was edited or is gone."
  ),
  Command.withExamples([{ command: "emsdb migrate status", description: "Where the database is" }])
)

const repair = Command.make(
  "repair",
  { yes, json },
  (flags) => Effect.flatMap(migrations, ({ runRepair }) => runRepair(flags))
).pipe(
  Command.withShortDescription("Clear up behind a run that was killed, and run nothing"),
  Command.withDescription(
    "Asks, drops invalid indexes that a killed run left, and notes what it had done. `up` does the same."
  ),
  Command.withExamples([{ command: "emsdb migrate repair", description: "After a run that was killed" }])
)

export const migrate = Command.make(
  "migrate",
  { yes, json },
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/migrate.ts")), ({ runMigrate }) => runMigrate(flags))
).pipe(
  Command.withShortDescription("Apply the pending migrations; plan, lint and repair them"),
  Command.withDescription(
    "Applies the pending migrations of the folder drizzle/: each statement by itself where it must be, those that "
      + "belong together in one transaction. Locks that hold others up are not waited for long; who is in the way is named. "
      + "What drops something or holds others up for long is shown first, and asked for."
  ),
  Command.withExamples([
    { command: "emsdb migrate", description: "Bring the tables up to date" },
    { command: "emsdb migrate plan", description: "What that would do" },
    { command: "emsdb migrate lint", description: "Whether it is safe" }
  ]),
  Command.withSubcommands([up, plan, lint, status, repair])
)

export const drift = Command.make(
  "drift",
  { json },
  (flags) => Effect.flatMap(migrations, ({ runDrift }) => runDrift(flags))
).pipe(
  Command.withShortDescription("Compare the database with its tables and migrations"),
  Command.withDescription(
    "Compares the database with the tables of the program, and with what the migrations make of an empty database in "
      + "memory. Changes nothing. Exit code 1 when something differs."
  ),
  Command.withExamples([{ command: "emsdb drift", description: "Every difference" }])
)
