import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { api } from "./api.ts"
import { json } from "./json.ts"

export const status = Command.make(
  "status",
  { api, json },
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/status.ts")), ({ runStatus }) => runStatus(flags))
).pipe(
  Command.withShortDescription("The database on one screen"),
  Command.withDescription(
    "Shows the server and its version, size, connections, cache hits, the longest transaction, the oldest transaction "
      + "id, maintenance that runs, and how many findings there are. Changes nothing."
  ),
  Command.withExamples([{ command: "emsdb status", description: "Where to look first" }])
)
