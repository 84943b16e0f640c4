/** Work that is written down before it begins and after it ended, in the name of who asked for it. */
import { Audit, type Intent } from "@ems/access/Audit"
import { everyone } from "@ems/access/Principal"
import type * as Effect from "effect/Effect"
import * as RequestInfo from "./RequestInfo.ts"

/** Does not do it when that cannot be written down. */
export const audited = <A, E, R>(
  request: Request,
  intent: Pick<Intent, "action" | "target" | "reason">,
  effect: Effect.Effect<A, E, R>
) => {
  const { id: requestId, principal = everyone } = RequestInfo.of(request)
  return Audit.use(({ record }) => record({ ...intent, principal, requestId }, effect))
}
