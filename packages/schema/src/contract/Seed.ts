/** `emsdb seed --json`: the example data that was written. */
import * as Schema from "effect/Schema"
import { Count, DatabaseName, Milliseconds, Text } from "./Scalars.ts"

const saysWhyNot = Schema.makeFilter(
  (seed: { readonly seeded: boolean; readonly reason?: string }) => seed.seeded || seed.reason !== undefined,
  { expected: "a reason when nothing was seeded" }
)

export const Seed = Schema.Struct({
  /** False when nothing was written, because the tables already hold rows; `reason` then says so. */
  seeded: Schema.Boolean,
  reason: Schema.optionalKey(Text),
  /** How much was asked for: a multiple of the standard amount, greater than 0. */
  scale: Schema.Finite.check(Schema.isGreaterThan(0)),
  /** Rows written by this run, by table. */
  rows: Schema.Record(Schema.String, Count).check(Schema.isPropertyNames(DatabaseName)),
  durationMs: Milliseconds
}).check(saysWhyNot)
export type Seed = typeof Seed.Type
