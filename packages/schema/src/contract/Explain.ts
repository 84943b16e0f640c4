/** `POST /api/db/explain`: how the server would run a statement. */
import * as Schema from "effect/Schema"
import { Milliseconds, Text } from "./Scalars.ts"

export const ExplainRequest = Schema.Struct({
  /** One SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES; at most 50,000 characters. */
  sql: Text.check(Schema.isMaxLength(50_000)),
  /**
   * Values of `$1`, `$2`, … in Postgres's input format, null for NULL: the plan is then for these, and without them for
   * any values.
   */
  parameters: Schema.optionalKey(Schema.Array(Schema.NullOr(Schema.String)).check(Schema.isMaxLength(1000))),
  /** Runs it. For admins. Default false. */
  analyze: Schema.optionalKey(Schema.Boolean),
  /** For planning and running; 1 to 30,000. Default 5000. */
  timeoutMs: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30_000 })))
})

export const ExplainedStatement = Schema.Struct({
  /** The root node, as `EXPLAIN (FORMAT JSON)` writes it. */
  plan: Schema.Json,
  /** Eight hex digits; the same for plans that differ in nothing but figures. */
  shape: Text,
  /** For any values of the parameters. */
  isGeneric: Schema.Boolean,
  planningMs: Schema.NullOr(Milliseconds),
  /** Null of a statement that was not run. */
  executionMs: Schema.NullOr(Milliseconds)
})
export type ExplainedStatement = typeof ExplainedStatement.Type
