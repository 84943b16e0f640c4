/**
 * What a log line may say about an error. A `DbError` holds no values by construction; of any other error only its
 * class and where it was thrown, because its message may hold a statement, a row or a URL.
 */
import { isDbError } from "@ems/db-core/errors/DbError"
import * as Predicate from "effect/Predicate"

/** Frames of the stack, at most. */
const depth = 8

export const describe = (error: unknown): Readonly<Record<string, unknown>> => {
  if (isDbError(error)) {
    return { error: error._tag, reason: error.reason._tag, fate: error.fate, message: error.message }
  }
  const reason = Predicate.hasProperty(error, "reason") ? error.reason : undefined
  // Of our other typed errors the words that programs go by.
  if (Predicate.hasProperty(error, "_tag")) {
    return { error: error._tag, ...(Predicate.hasProperty(reason, "_tag") && { reason: reason._tag }) }
  }
  if (!(error instanceof Error)) return { error: typeof error }
  return { error: error.constructor.name, stack: frames(error) }
}

const frames = (error: Error): ReadonlyArray<string> => {
  // The message stands above the frames in V8 and may itself have lines that look like frames.
  const stack = (error.stack ?? "").replace(error.message, "")
  return stack.split("\n").filter((line) => /^\s*at /.test(line)).slice(0, depth).map((line) => line.trim())
}
