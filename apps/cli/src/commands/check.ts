import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { json } from "./json.ts"

export const check = Command.make("check", {
  only: Flag.String("only").pipe(
    Flag.withMetavar("<names>"),
    Flag.withDescription("Only these checks, with commas between them"),
    Flag.optional
  ),
  failOn: Flag.Literals("fail-on", ["info", "warn", "error"]).pipe(
    Flag.withDescription("The least severe finding that ends with exit code 1"),
    Flag.withDefault("warn")
  ),
  json
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/check.ts")), ({ runCheck }) => runCheck(flags))).pipe(
  Command.withShortDescription("Look for what is wrong, or about to go wrong"),
  Command.withDescription(
    "Runs every check on the database: each finding with its evidence, what follows from it, and the statement that "
      + "mends it. What could not be looked at is said. Changes nothing. Exit code 1 when something was found."
  ),
  Command.withExamples([
    { command: "emsdb check", description: "Every check" },
    { command: "emsdb check --only unused-index,redundant-index --fail-on info", description: "Two of them, strictly" }
  ])
)
