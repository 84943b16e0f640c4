import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { json } from "./json.ts"

export const init = Command.make("init", {
  seed: Flag.Boolean("seed").pipe(
    Flag.withDescription("Add the sample data afterwards, unless the tables hold rows"),
    Flag.withDefault(false)
  ),
  json
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/init.ts")), ({ runInit }) => runInit(flags))).pipe(
  Command.withShortDescription("Create what is missing: database, tables, indexes"),
  Command.withDescription(
    "Creates what is missing: database, internal schema, tables, indexes, planner statistics. Changes nothing when "
      + "run again, and may be run by several at once."
  ),
  Command.withExamples([
    { command: "emsdb init", description: "Prepare the database that DATABASE_URL names" },
    { command: "emsdb init --seed --json", description: "Prepare it with sample data, for a program: {init, seed}" }
  ])
)
