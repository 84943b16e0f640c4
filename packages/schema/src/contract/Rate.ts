/** How well a rate of the last seven days is known. */
import * as Schema from "effect/Schema"
import { Count, Milliseconds } from "./Scalars.ts"

export const sampledRate = {
  /** Of the last seven days. */
  samples: Count,
  /** The time that the rate is of; 0 without one. */
  observedMs: Milliseconds,
  /**
   * Why there is none: `not-kept` here, or not for this role; `too-few-samples`; `too-short`, less than an hour;
   * `began-anew` between them; `shrank`. Null when it is known.
   */
  unknown: Schema.NullOr(Schema.Literals(["not-kept", "too-few-samples", "too-short", "began-anew", "shrank"]))
}
