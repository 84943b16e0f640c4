/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is repeated with its key is answered as
 * the first time, by whichever process, for 24 hours.
 */
import type { Database } from "@ems/db-core/connection/Database"
import * as IdempotencyKeys from "@ems/db-core/operation/IdempotencyKeys"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import { type Failure, Refused } from "./Failure.ts"
import { ofIdempotencyError } from "./problems/ofIdempotencyError.ts"

/** Taken as it is, with the quotation marks that the draft has around it or without. */
const acceptable = /^[!-~]{1,255}$/

/** The key of `request`, `undefined` when it has none. */
export const keyOf = (request: Request): Effect.Effect<string | undefined, Refused> => {
  const key = request.headers.get("idempotency-key")
  if (key === null) return Effect.undefined
  return acceptable.test(key)
    ? Effect.succeed(key)
    : Effect.fail(
      new Refused({ kind: { status: 400, detail: "Idempotency-Key takes 1 to 255 visible ASCII characters." } })
    )
}

/** Does it once for the claim's key: see `IdempotencyKeys`. */
export const once = <R>(
  claim: IdempotencyKeys.Claim,
  operation: IdempotencyKeys.Operation<Failure, R>
): Effect.Effect<Json, Failure, R | Database> =>
  Effect.catchTag(
    IdempotencyKeys.once(claim, operation),
    "IdempotencyError",
    (error) => Effect.fail(new Refused({ kind: ofIdempotencyError(error) }))
  )
