import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { json } from "./json.ts"

export const doctor = Command.make(
  "doctor",
  { json },
  (flags) => Effect.flatMap(Effect.promise(() => import("../run/doctor.ts")), ({ runDoctor }) => runDoctor(flags))
).pipe(
  Command.withShortDescription("Say why the database cannot be reached, and how to mend it"),
  Command.withDescription(
    "Connects step by step: settings, DNS, TCP, TLS, login, the role's rights, extensions, pooler, timeouts, clock. Says "
      + "what is wrong and how to mend it, with host, port, database and user, without passwords. Changes nothing. Exit "
      + "code 0 all in order, 1 something needs attention, 2 the settings cannot be used, 3 no connection."
  ),
  Command.withExamples([
    { command: "emsdb doctor", description: "Look at the way to the database that DATABASE_URL names" },
    { command: "emsdb doctor --json", description: "Every step with what was seen, for a program" }
  ])
)
