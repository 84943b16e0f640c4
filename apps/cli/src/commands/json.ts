import * as Flag from "effect/cli/Flag"

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print the result as one line of JSON; a failure is a line of JSON on stderr"),
  Flag.withDefault(false)
)
