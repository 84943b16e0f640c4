/**
 * Decides which statements may share a connection.
 *
 * A shared connection cannot be interrupted and its statements are pipelined, so only what is certainly a read goes
 * there: an error in judgement towards `exclusive` costs a little throughput, towards `shared` it could lose a write's
 * fate or leak session state to strangers.
 */
import * as Context from "effect/Context"

/** Whether statements inside may share a connection where they can (`auto`), or are kept alone. */
export const LaneChoice = Context.Reference<"auto" | "exclusive">("@ems/db-core/driver/Lane/LaneChoice", {
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

const leading = /^(?:\s|--[^\n\r]*(?:[\n\r]|$)|\/\*[\s\S]*?\*\/|\()*(\w+)/

const decide = (sql: string): boolean => {
  const first = leading.exec(sql)?.[1]?.toLowerCase()
  if (first !== "select" && first !== "with" && first !== "values" && first !== "table") return false
  return !exclusiveWords.test(sql)
}

/** Texts remembered: an application repeats a few hundred; one that does not would only fill memory. */
const remembered = 2048
const decisions = new Map<string, boolean>()

const remember = (sql: string, decision: boolean): boolean => {
  if (decisions.size >= remembered) decisions.clear()
  decisions.set(sql, decision)
  return decision
}

/** Whether an autocommit statement may share a connection. */
export const isShareable = (sql: string): boolean => decisions.get(sql) ?? remember(sql, decide(sql))

/** The server refused it where only reads are allowed: it looked like a read, and is none. */
export const neverShare = (sql: string): void => void remember(sql, false)
