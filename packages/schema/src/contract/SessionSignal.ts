/** `POST /api/db/activity/:pid/cancel` and `/terminate`: the end of a statement or of a session. */
import * as Schema from "effect/Schema"
import { IsoInstant, Milliseconds, Text } from "./Scalars.ts"

/** Postgres's process ids. */
const mostPid = 2 ** 31 - 1

/** In the path. */
export const SessionPath = Schema.Struct({
  pid: Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: mostPid }))
})

export const CancelRequest = Schema.Struct({
  /** Why, for the audit log; 1 to 200 characters. */
  reason: Text.check(Schema.isMaxLength(200)),
  /** When the session began: another session that got its number since is left alone. */
  backendStart: Schema.optionalKey(IsoInstant)
})

export const TerminateRequest = Schema.Struct({
  ...CancelRequest.fields,
  /** The process id once more. */
  confirm: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostPid }))
})

export const SessionSignalled = Schema.Struct({
  pid: Schema.Int,
  action: Schema.Literals(["cancel", "terminate"]),
  user: Schema.NullOr(Schema.String),
  application: Schema.String,
  /** What it did when it was signalled, as in `pg_stat_activity`. */
  state: Schema.NullOr(Schema.String),
  backendStart: IsoInstant,
  /** The statement, or the session, was over within 2 s. */
  isOver: Schema.Boolean,
  /** How long that was looked at. */
  waitedMs: Milliseconds
})
export type SessionSignalled = typeof SessionSignalled.Type
