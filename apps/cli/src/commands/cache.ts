import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { json } from "./json.ts"

const doctor = Command.make(
  "doctor",
  {
    query: Flag.String("query").pipe(
      Flag.withMetavar("<sql>"),
      Flag.withDescription("Also say whether the answers of this query are cached, and why not. It is not run"),
      Flag.optional
    ),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("../run/cacheDoctor.ts")), ({ runCacheDoctor }) => runCacheDoctor(flags))
).pipe(
  Command.withShortDescription("Say what the query cache can promise here, and why not more"),
  Command.withDescription(
    "Looks at the change log and at each table, and says which answers can be cached, how stale they may be, and what "
      + "to do about the others. Changes nothing. Exit code 1 when there is something to do."
  ),
  Command.withExamples([
    { command: "emsdb cache doctor", description: "Every table" },
    { command: "emsdb cache doctor --query 'select * from events where id = $1'", description: "And one query" }
  ])
)

export const cache = Command.make("cache").pipe(
  Command.withShortDescription("The query cache"),
  Command.withDescription("What the query cache does on this database."),
  Command.withSubcommands([doctor])
)
