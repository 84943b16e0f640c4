/**
 * Decides which statements may share a connection.
 *
 * A shared connection cannot be interrupted and its statements are pipelined, so only what is certainly a read goes
 * there: an error in judgement towards `exclusive` costs a little throughput, towards `shared` it could lose a write's
 * fate or leak session state to strangers.
 */
import * as Context from "effect/Context"
import type { Lane } from "./StatementHooks.ts"

/** Forces a lane for everything that runs inside; `auto` decides by the statement. */
export const LaneChoice = Context.Reference<Lane | "auto">("@ems/db-core/driver/Lane/LaneChoice", {
  defaultValue: () => "auto"
})

/** Words anywhere in a SELECT that mean it may write, lock or touch the session. */
const exclusiveWords = new RegExp(
  "\\b(" + [
    "insert|update|delete|merge|into|share",
    "nextval|setval|set_config|currval|lastval",
    "pg_(try_)?advisory\\w*|pg_notify|pg_sleep\\w*|pg_cancel_backend|pg_terminate_backend|pg_logical\\w*|pg_replication\\w*",
    "lo_\\w+|dblink\\w*|query_to_xml\\w*|pg_stat_reset\\w*|pg_stat_statements_reset|pg_current_xact_id\\w*|txid_current\\w*"
  ].join("|") + ")\\b",
  "i"
)

const leading = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()*(\w+)/

const decide = (sql: string): Lane => {
  const first = leading.exec(sql)?.[1]?.toLowerCase()
  if (first !== "select" && first !== "with" && first !== "values" && first !== "table") return "exclusive"
  return exclusiveWords.test(sql) ? "exclusive" : "shared"
}

/** Texts remembered: an application repeats a few hundred; one that does not would only fill memory. */
const remembered = 2048
const decisions = new Map<string, Lane>()

/** The lane of an autocommit statement. */
export const laneOf = (sql: string): Lane => {
  const known = decisions.get(sql)
  if (known !== undefined) return known
  const lane = decide(sql)
  if (decisions.size >= remembered) decisions.clear()
  decisions.set(sql, lane)
  return lane
}
