/** Work that is written down before it begins and after it ended, in the name of who runs the command. */
import * as Access from "@ems/access/Access"
import { Audit, type Intent } from "@ems/access/Audit"
import * as Effect from "effect/Effect"
import { operator } from "../Operator.ts"

/** Accounts, tokens and the audit log, on the data layer. It logs nobody in: no secret is needed. */
// @effect-diagnostics-next-line strictEffectProvide:off
export const withAccess = Effect.provide(Access.layerWith({ warnOfRandomSecret: false }))

/** Does not do it when that cannot be written down. */
export const audited = <A, E, R>(
  intent: Pick<Intent, "action" | "target" | "reason">,
  effect: Effect.Effect<A, E, R>
) => Effect.flatMap(operator, (principal) => Audit.use(({ record }) => record({ ...intent, principal }, effect)))
