import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { apiUrl } from "../api/ApiUrl.ts"
import { expected } from "./api.ts"
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

const status = Command.make(
  "status",
  {
    api: Flag.String("api").pipe(
      Flag.withMetavar("<url>"),
      Flag.withDescription("Of this API's process, asked with the token in EMS_API_TOKEN"),
      Flag.filterMap(apiUrl, () => expected)
    ),
    json
  },
  (flags) =>
    Effect.flatMap(Effect.promise(() => import("../run/cacheStatus.ts")), ({ runCacheStatus }) => runCacheStatus(flags))
).pipe(
  Command.withShortDescription("What the query cache of a running API does"),
  Command.withDescription(
    "Shows the guarantee in force, hits and misses, why reads go past the cache, memory, and each query. A cache is "
      + "in the memory of a process: this asks the API's."
  ),
  Command.withExamples([
    { command: "emsdb cache status --api https://ems.example.org", description: "Does it pay" }
  ])
)

export const cache = Command.make("cache").pipe(
  Command.withShortDescription("The query cache"),
  Command.withDescription("What the query cache does on this database."),
  Command.withSubcommands([doctor, status])
)
