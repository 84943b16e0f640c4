/**
 * One line per statement for people who watch, and a warning for slow ones. Never the text or the parameters: a raw
 * statement may hold literals, so a line names the statement by its fingerprint and verb.
 */
import * as Effect from "effect/Effect"
import type { StatementHooksShape } from "../driver/StatementHooks.ts"

/** FNV-1a over the text's UTF-16 units, in 8 hex digits: the same text, the same id. */
const textId = (sql: string): string => {
  let hash = 0x811c9dc5
  for (let at = 0; at < sql.length; at++) hash = Math.imul(hash ^ sql.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, "0")
}

const verb = (sql: string): string => /[a-z]+/i.exec(sql)?.[0].toUpperCase() ?? "?"

/** Hooks that log. `slowQueryMs` is inclusive; `watched` says whether debug lines are wanted at all. */
export const make = (slowQueryMs: number, watched: boolean): Pick<StatementHooksShape, "isPrecise" | "outcome"> => ({
  isPrecise: watched,
  outcome: ({ durationMs, error, lane, rows, sql }) => {
    const isSlow = durationMs >= slowQueryMs
    if (!isSlow && !watched) return undefined
    const line = isSlow ? Effect.logWarning(`slow ${verb(sql)}`) : Effect.logDebug(verb(sql))
    return Effect.annotateLogs(line, {
      fingerprint: textId(sql),
      ms: Math.round(durationMs * 100) / 100,
      rows,
      lane,
      outcome: error === undefined ? "ok" : error.reason._tag
    })
  }
})
