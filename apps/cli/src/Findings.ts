/** A command that did its work and whose result is not in order: its report is already on stdout. */
import * as Schema from "effect/Schema"

export class Findings extends Schema.TaggedError<Findings>()("Findings", {
  /** `findings`: something needs attention. `unusable`: the database cannot be used. */
  verdict: Schema.Literals(["findings", "unusable"]),
  /** One line for stderr; none when the report says it all. */
  text: Schema.optionalKey(Schema.String)
}) {}
