import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { api } from "./api.ts"
import { json } from "./json.ts"

export const health = Command.make(
  "health",
  { api, json },
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/health.ts")), ({ runHealth }) => runHealth(flags))
).pipe(
  Command.withShortDescription("Say whether the database answers"),
  Command.withDescription(
    "Connects and asks the database for an answer. Exit code 0 healthy, 1 degraded, 3 unhealthy."
  ),
  Command.withExamples([{ command: "emsdb health --json", description: "For a monitor" }])
)
