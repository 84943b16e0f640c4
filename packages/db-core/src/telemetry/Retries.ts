/**
 * What is known of work that is done again: a counter for all of it, and the span of the call it is done for.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { DbError } from "../errors/DbError.ts"
import { CurrentCall } from "./CallSpan.ts"

/** Attempts after the first, by `reason` and `fate` of the one that failed. */
export const retries = Metric.counter("ems.db.retries", {
  description: "attempts after the first, by reason and fate of the one before",
  incremental: true
})

/** `error` was no end: the same work is tried again in `wait` milliseconds. */
export const note = (error: DbError, wait: number): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    Metric.withAttributes(retries, { reason: error.reason._tag, fate: error.fate }).updateUnsafe(1, fiber.context)
    fiber.getRef(CurrentCall)?.retried(error, wait, fiber.getRef(Clock.Clock).currentTimeNanosUnsafe())
    return Effect.void
  })
