/** Why a request with an idempotency key was not carried out. Holds no key. */
import * as Schema from "effect/Schema"

const reasons = {
  /** The key belongs to a request with other contents. */
  KeyReused: Schema.TaggedStruct("KeyReused", {}),
  /** The first request with the key is under way, or its process ended and nobody has taken it over yet. */
  InProgress: Schema.TaggedStruct("InProgress", { retryAfterMs: Schema.Finite }),
  /** The table is missing. */
  NotInstalled: Schema.TaggedStruct("NotInstalled", {})
}

export type IdempotencyReason = { readonly [Tag in keyof typeof reasons]: (typeof reasons)[Tag]["Type"] }[
  keyof typeof reasons
]

const messageOf = (reason: IdempotencyReason): string => {
  switch (reason._tag) {
    case "KeyReused":
      return "the key was used for a request with other contents"
    case "InProgress":
      return "the first request with this key is not answered yet"
    case "NotInstalled":
      return "the table of idempotency keys is missing: run emsdb init"
  }
}

export class IdempotencyError extends Schema.TaggedError<IdempotencyError>()("IdempotencyError", {
  reason: Schema.Union(Object.values(reasons))
}) {
  static of(reason: IdempotencyReason): IdempotencyError {
    return new IdempotencyError({ reason })
  }

  override get message(): string {
    return messageOf(this.reason)
  }
}
