/** A line of `emsdb check --format ndjson`. The last one is the summary: without it the others are not all. */
import * as Schema from "effect/Schema"
import { AcceptedFinding, Checks, Finding } from "./Checks.ts"
import { Count, IsoInstant, Milliseconds, Text } from "./Scalars.ts"
import { Unavailable } from "./Unavailable.ts"

export const CheckLine = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("finding"), ...Finding.fields }),
  Schema.Struct({ kind: Schema.Literal("accepted"), ...AcceptedFinding.fields }),
  /** A check that could not look. */
  Schema.Struct({ kind: Schema.Literal("unavailable"), name: Text, title: Text, ...Unavailable.fields }),
  /** A check that was not run. */
  Schema.Struct({ kind: Schema.Literal("leftOut"), name: Text, reason: Text }),
  /** What limits the answer of a check. */
  Schema.Struct({ kind: Schema.Literal("note"), name: Text, text: Text }),
  Schema.Struct({
    kind: Schema.Literal("summary"),
    timestamp: IsoInstant,
    /** How many were run. */
    checks: Count,
    ...Checks.fields.summary.fields,
    baseline: Checks.fields.baseline,
    durationMs: Milliseconds
  })
])
export type CheckLine = typeof CheckLine.Type
