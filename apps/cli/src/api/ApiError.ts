/** What the API said instead of an answer. Without its address or a token. */
import * as Schema from "effect/Schema"

/**
 * - `Unreachable`: nobody answers there, or not in time.
 * - `Foreign`: what answers is not this API, or of a version that this one does not understand.
 * - `Problem`: it refused, in its own words.
 */
export class ApiError extends Schema.TaggedError<ApiError>()("ApiError", {
  kind: Schema.Literals(["Unreachable", "Foreign", "Problem"]),
  /** One word for programs, such as `RunnerBusy`. */
  reason: Schema.String,
  /** The HTTP status; null where there was none. */
  status: Schema.NullOr(Schema.Int),
  text: Schema.String
}) {
  override get message(): string {
    return this.text
  }
}
