/** A limit as part of a request's work. */
import * as Effect from "effect/Effect"
import { Refused } from "../http/Failure.ts"
import * as Problem from "../http/Problem.ts"
import { type LimitKind, RateLimits } from "./RateLimits.ts"

/** Takes a token; fails with 429 when there is none. */
export const limited = (kind: LimitKind, key: string): Effect.Effect<void, Refused, RateLimits> =>
  RateLimits.use((limits) => Effect.promise(() => Promise.resolve(limits.spend(kind, key)))).pipe(
    Effect.flatMap((wait) => wait === 0 ? Effect.void : Effect.fail(new Refused({ kind: Problem.tooMany(wait) })))
  )
