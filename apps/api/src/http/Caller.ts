/** Who asks, and what only some of those may do who may use a route. */
import { everyone, may, type Principal } from "@ems/access/Principal"
import type { Scope } from "@ems/access/Role"
import * as Effect from "effect/Effect"
import { Refused } from "./Failure.ts"
import * as Problem from "./Problem.ts"
import * as RequestInfo from "./RequestInfo.ts"

/** The gate knows who asks on every route that is not for anybody. */
export const callerOf = (request: Request): Principal => RequestInfo.of(request).principal ?? everyone

/** Refuses who is not an admin, or has a credential without `scope`. */
export const needsAdmin = (request: Request, scope: Scope): Effect.Effect<void, Refused> =>
  may(callerOf(request), "admin", scope)
    ? Effect.void
    : Effect.fail(new Refused({ kind: Problem.forbidden("admin", scope) }))
