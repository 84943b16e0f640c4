import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { json } from "./json.ts"

export const migrate = Command.make(
  "migrate",
  { json },
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/migrate.ts")), ({ runMigrate }) => runMigrate(flags))
).pipe(
  Command.withShortDescription("Apply the pending migrations"),
  Command.withDescription(
    "Applies the pending migrations of the folder drizzle/ in one transaction: all of them or none. Of several runs "
      + "at once one applies, the others find nothing to do."
  ),
  Command.withExamples([{ command: "emsdb migrate", description: "Bring the tables up to date" }])
)
