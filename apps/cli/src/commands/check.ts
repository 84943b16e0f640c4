import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { formatNames } from "../check/FormatName.ts"
import { failOnNames } from "../check/Gate.ts"
import { api } from "./api.ts"
import { json } from "./json.ts"

export const check = Command.make("check", {
  only: Flag.String("only").pipe(
    Flag.withMetavar("<names>"),
    Flag.withDescription("Only these checks, with commas between them"),
    Flag.optional
  ),
  failOn: Flag.Literals("fail-on", failOnNames).pipe(
    Flag.withDescription("The least severe finding that ends with exit code 1"),
    Flag.withDefault("warn")
  ),
  requireAll: Flag.Boolean("require-all").pipe(
    Flag.withDescription("Also end with exit code 1 when a check could not look"),
    Flag.withDefault(false)
  ),
  format: Flag.Literals("format", formatNames).pipe(
    Flag.withDescription("How to print the result; table if nothing else is said"),
    Flag.optional
  ),
  baseline: Flag.String("baseline").pipe(
    Flag.withMetavar("<file>"),
    Flag.withDescription("Accept the findings that are listed there"),
    Flag.optional
  ),
  writeBaseline: Flag.String("write-baseline").pipe(
    Flag.withMetavar("<file>"),
    Flag.withDescription("Accept all that is found, and write it there; reasons and last days are kept"),
    Flag.optional
  ),
  migrations: Flag.Boolean("migrations").pipe(
    Flag.withDescription("Check what the migrations make of an empty database in memory; needs no DATABASE_URL"),
    Flag.withDefault(false)
  ),
  folder: Flag.String("folder").pipe(
    Flag.withMetavar("<dir>"),
    Flag.withDescription("The migrations of --migrations; drizzle/ if nothing else is said"),
    Flag.optional
  ),
  api,
  json
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/check.ts")), ({ runCheck }) => runCheck(flags))).pipe(
  Command.withShortDescription("Look for what is wrong, or about to go wrong"),
  Command.withDescription(
    "Runs every check on the database: each finding with its evidence, what follows from it, and the statement that "
      + "mends it. What could not be looked at is said. Changes nothing. Exit code 1 when something was found."
  ),
  Command.withExamples([
    { command: "emsdb check", description: "Every check" },
    { command: "emsdb check --only unused-index,redundant-index --fail-on info", description: "Two of them, strictly" },
    { command: "emsdb check --migrations --format github", description: "A pull request, without a database" },
    { command: "emsdb check --baseline checks.json", description: "What is new since the baseline was written" }
  ])
)
