import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { json } from "./json.ts"

const Scale = Schema.Int.check(
  Schema.isBetween({ minimum: 1, maximum: 1000 }, { expected: "a whole number from 1 to 1000" })
)

export const seed = Command.make("seed", {
  scale: Flag.Int("scale").pipe(
    Flag.withDescription("How much, 1 to 1000: 1 is 1,000 users, 200 events and 5,000 registrations"),
    Flag.withSchema(Scale),
    Flag.withDefault(1)
  ),
  force: Flag.Boolean("force").pipe(
    Flag.withDescription("Add the rows although the tables hold some; nothing is ever deleted"),
    Flag.withDefault(false)
  ),
  json
}, (flags) => Effect.flatMap(Effect.promise(() => import("../run/seed.ts")), ({ runSeed }) => runSeed(flags))).pipe(
  Command.withShortDescription("Add sample data"),
  Command.withDescription(
    "Adds sample users, events, registrations and payments in one transaction. The same scale gives the same rows. "
      + "Does nothing when the tables hold rows. Writers of these tables wait meanwhile."
  ),
  Command.withExamples([
    { command: "emsdb seed", description: "Enough to look around" },
    { command: "emsdb seed --scale 200", description: "A million registrations, to measure with" }
  ])
)
