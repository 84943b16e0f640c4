import * as Schema from "effect/Schema"

/** A setting is missing or out of bounds. Never holds a secret: secret values are replaced by a description. */
export class DbConfigError extends Schema.TaggedError<DbConfigError>()("DbConfigError", {
  /** The environment variable. */
  key: Schema.String,
  /** What was found. */
  value: Schema.String,
  /** What would be right. */
  expected: Schema.String
}) {
  override get message(): string {
    return `${this.key}: ${this.value} is not usable, expected ${this.expected}`
  }
}
