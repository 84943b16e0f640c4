/**
 * Why a statement was not explained, when it is the statement's fault. Holds nothing of the statement: a SQLSTATE, a
 * position, numbers.
 */
import * as Schema from "effect/Schema"

const facts = {
  /** The five characters that Postgres said. */
  sqlState: Schema.optionalKey(Schema.String),
  /** Character in the statement, from 1. */
  position: Schema.optionalKey(Schema.Int)
}

const reasons = {
  /** Not one statement that Postgres can plan here: syntax, names, types. */
  InvalidStatement: Schema.TaggedStruct("InvalidStatement", facts),
  /** A parameter or a constant does not fit its type. */
  InvalidValue: Schema.TaggedStruct("InvalidValue", facts),
  /** It has `expected` parameters. */
  ParameterCount: Schema.TaggedStruct("ParameterCount", { expected: Schema.Int, given: Schema.Int }),
  /** It writes or locks rows, and was to be run: it is only run where nothing can be written. */
  Writes: Schema.TaggedStruct("Writes", facts),
  /** The database's role may not read what it names. */
  NotPermitted: Schema.TaggedStruct("NotPermitted", facts),
  /** It was not planned, or did not end, in the time that was given. */
  TookTooLong: Schema.TaggedStruct("TookTooLong", facts),
  /** It was run, or planned, and failed by itself. */
  Failed: Schema.TaggedStruct("Failed", facts)
}

export type ExplainReason = { readonly [Tag in keyof typeof reasons]: (typeof reasons)[Tag]["Type"] }[
  keyof typeof reasons
]

const messages: { readonly [Tag in keyof typeof reasons]: string } = {
  InvalidStatement: "this is not one statement that can be planned here",
  InvalidValue: "a parameter or a constant does not fit its type",
  ParameterCount: "the statement has another number of parameters",
  Writes: "the statement writes or locks rows; with analyze only what reads is run",
  NotPermitted: "the role of the database may not read what the statement names",
  TookTooLong: "planning the statement, or running it, took longer than it was given",
  Failed: "the statement failed when it was run"
}

export class ExplainError extends Schema.TaggedError<ExplainError>()("ExplainError", {
  reason: Schema.Union(Object.values(reasons))
}) {
  static of(reason: ExplainReason): ExplainError {
    return new ExplainError({ reason })
  }

  override get message(): string {
    const { reason } = this
    return reason._tag === "ParameterCount"
      ? `the statement has ${reason.expected} parameters, ${reason.given} were given`
      : messages[reason._tag]
  }
}
