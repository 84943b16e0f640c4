/** `GET /api/db/slow-queries`: the last statements of this process that were slow, without a value of any of them. */
import * as Schema from "effect/Schema"
import { pageOf, pageQuery } from "./Page.ts"
import { Count, IsoInstant, Milliseconds, Text } from "./Scalars.ts"

export const SlowQueriesQuery = Schema.Struct({
  ...pageQuery(["duration", "at", "rows"]).fields,
  /** Those that took at least so long. Milliseconds, 0 to 3,600,000; default 0. */
  threshold: Schema.optionalKey(
    Schema.FiniteFromString.check(Schema.isBetween({ minimum: 0, maximum: 3_600_000 }))
  )
})

export const SlowQuery = Schema.Struct({
  /** As in `/api/db/queries/:id`. */
  id: Text,
  /** Without literals. */
  text: Schema.String,
  name: Schema.NullOr(Schema.String),
  /** Who asked: a route, a job, a span. */
  caller: Schema.NullOr(Schema.String),
  /** When it ended. */
  at: IsoInstant,
  durationMs: Milliseconds,
  rows: Count,
  /** Why it failed; null when it did not. */
  error: Schema.NullOr(Text),
  /** What its parameters looked like, the first 64. */
  parameters: Schema.Array(Schema.Struct({
    type: Schema.Literals(["null", "boolean", "number", "bigint", "string", "bytes", "date", "array", "object"]),
    /** Characters of a text, bytes of binary data, elements of an array; null for others. */
    length: Schema.NullOr(Count)
  })),
  parameterCount: Count
})
export type SlowQuery = typeof SlowQuery.Type

export const SlowQueries = Schema.Struct({
  ...pageOf(SlowQuery).fields,
  /** What is kept: statements that took at least so long, unless the code said otherwise, … */
  slowQueryMs: Milliseconds,
  /** … and so many of them, at most. */
  kept: Count
})
export type SlowQueries = typeof SlowQueries.Type
