/** `GET /api/db/sequences`: how much is left of each sequence, and when it runs out. */
import * as Schema from "effect/Schema"
import { pageOf, pageQuery } from "./Page.ts"
import { sampledRate } from "./Rate.ts"
import { IsoInstant, Share, Text } from "./Scalars.ts"

export const SequencesQuery = pageQuery(["share", "remaining", "runsOutAt"])

export const Sequence = Schema.Struct({
  schema: Text,
  sequence: Text,
  /** The column it fills; null for a sequence used otherwise. */
  tableSchema: Schema.NullOr(Text),
  table: Schema.NullOr(Text),
  column: Schema.NullOr(Text),
  columnType: Schema.NullOr(Text),
  sequenceType: Text,
  isIdentity: Schema.Boolean,
  increment: Schema.Finite,
  /** Null while it was never called, and where the role that asks may not read it. */
  lastValue: Schema.NullOr(Schema.Finite),
  /** The last value that can be used. Exact to 2^53. */
  limit: Schema.Finite,
  limitedBy: Schema.Literals(["sequence", "column", "reference"]),
  /** A column that refers to it and has no more room, as `schema.table.column`. */
  reference: Schema.NullOr(Text),
  /** Of the way from its start to the limit. */
  share: Share,
  /** Values that can still be used. */
  remaining: Schema.Finite,
  /** At its own end it begins again. */
  isCycle: Schema.Boolean,
  valuesPerDay: Schema.NullOr(Schema.Finite),
  /** At that rate; null when it is not used, the rate is unknown, or after the year 9999. */
  runsOutAt: Schema.NullOr(IsoInstant),
  ...sampledRate
})

/** Those nearest to their end first. */
export const Sequences = pageOf(Sequence)
export type Sequences = typeof Sequences.Type
