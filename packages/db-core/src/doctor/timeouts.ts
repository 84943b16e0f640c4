/**
 * Timeouts: what this session asked for, and what is in force on it. A pooler drops what was asked for at connect, and a
 * role or a database may have limits of its own.
 */
import * as Effect from "effect/Effect"
import { quoted } from "../catalog/Identifier.ts"
import { type SessionLimit, sessionLimits } from "../catalog/sessionLimits.ts"
import type { DbConfigShape } from "../config/DbConfig.ts"
import { capabilitiesOf } from "../driver/Capabilities.ts"
import type { DbError } from "../errors/DbError.ts"
import type { Conversation } from "./Conversation.ts"
import { type Complaint, judged, ok, type Outcome, type Seen } from "./Step.ts"

const textOf = ({ name, ofRole, source, unit, value }: SessionLimit): string => {
  const nothing = name.startsWith("tcp_") ? "as the system has it" : "off"
  const given = ofRole === null || source === "user" || source === "database user" ? "" : `; the role's is ${ofRole}`
  return `${value === "0" ? nothing : `${value}${unit === null ? "" : ` ${unit}`}`}, from: ${source}${given}`
}

const statementLimit = (
  { value }: SessionLimit,
  { queryTimeout, target }: DbConfigShape,
  role: string
): ReadonlyArray<Complaint> => {
  const found = Number(value)
  if (found === queryTimeout) return []
  const { sessionState, startupOptions } = capabilitiesOf(target)
  const set = `ALTER ROLE ${quoted(role)} SET statement_timeout = ${queryTimeout}`
  if (found === 0 || found > queryTimeout) {
    const what = found === 0 ? "no statement_timeout is in force" : `statement_timeout is ${found} ms in force`
    // There the data layer sets it on each session that it opens, for a round trip each.
    if (sessionState) {
      return startupOptions
        ? [{
          summary: `${what}: what is given at connect is dropped on the way`,
          advice: `${set}, which saves a round trip for each connection`
        }]
        : []
    }
    return [{ summary: `${what}: statements run on after their callers have gone`, advice: set }]
  }
  return [{
    summary: `statement_timeout is ${found} ms in force, and a call may take ${queryTimeout} ms`,
    advice: `${set}, or set EMS_QUERY_TIMEOUT_MS to ${found}`
  }]
}

const complaintsOf = (
  rows: ReadonlyArray<SessionLimit>,
  config: DbConfigShape,
  role: string
): ReadonlyArray<Complaint> => {
  const of = (name: string) => rows.find((row) => row.name === name)
  const msOf = (name: string) => Number(of(name)?.value ?? 0)
  const statement = of("statement_timeout")
  const transaction = msOf("transaction_timeout")
  const idle = msOf("idle_session_timeout")
  return [
    ...(statement === undefined ? [] : statementLimit(statement, config, role)),
    ...(transaction > 0 && transaction < config.queryTimeout
      ? [{
        summary: `transaction_timeout is ${transaction} ms, which ends a connection before its call may be over`,
        advice: `raise it above EMS_QUERY_TIMEOUT_MS (${config.queryTimeout}), or off: ALTER ROLE ${
          quoted(role)
        } SET transaction_timeout = 0`
      }]
      : []),
    ...(idle > 0 && idle <= config.poolIdleTimeout
      ? [{
        summary: `idle_session_timeout is ${idle} ms: the server cuts connections that the pool still keeps`,
        advice: `set EMS_POOL_IDLE_TIMEOUT_MS below ${idle}`
      }]
      : [])
  ]
}

/** One that is left open in a transaction holds its locks, and keeps VACUUM from its work. */
const hintsOf = (rows: ReadonlyArray<SessionLimit>, role: string): ReadonlyArray<string> =>
  rows.some(({ name, value }) => name === "idle_in_transaction_session_timeout" && value === "0")
    ? [`against forgotten transactions: ALTER ROLE ${quoted(role)} SET idle_in_transaction_session_timeout = '5min'`]
    : []

export const timeouts = (talk: Conversation, config: DbConfigShape): Effect.Effect<Outcome, DbError> =>
  Effect.map(talk.ask(sessionLimits), (answer) => {
    const all = answer.isAvailable ? answer.rows : []
    const rows = all.filter(({ name }) => name !== "default_transaction_read_only")
    const asked = capabilitiesOf(config.target).startupOptions
    const seen: Seen = {
      asked: asked ? `statement_timeout ${config.queryTimeout} ms` : "nothing, since it would be dropped",
      ...Object.fromEntries(rows.map((row) => [row.name, textOf(row)]))
    }
    // It cannot end a statement, and has nobody to end it for.
    if (talk.server.backend === "embedded") return ok("an embedded database has no limits to enforce", seen)
    const role = config.target.username
    return judged(
      "the limits that were asked for are in force",
      seen,
      complaintsOf(rows, config, role),
      hintsOf(rows, role)
    )
  })
