import * as Flag from "effect/cli/Flag"

export const yes = Flag.Boolean("yes").pipe(
  Flag.withDescription("Do it without asking, as scripts must say"),
  Flag.withDefault(false)
)
