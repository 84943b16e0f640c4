import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { json } from "./json.ts"

const asScale = (text: string): Option.Option<number> => {
  // `Number` would accept "0x10", "1e2" and " 7".
  const scale = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return scale >= 1 && scale <= 1000 ? Option.some(scale) : Option.none()
}

export const seed = Command.make("seed", {
  scale: Flag.String("scale").pipe(
    Flag.withMetavar("<1-1000>"),
    Flag.withDescription("How much: 1 is 1,000 users, 200 events and 5,000 registrations"),
    Flag.filterMap(asScale, () => "Expected a whole number from 1 to 1000"),
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
