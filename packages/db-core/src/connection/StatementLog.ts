/**
 * One line per statement for people who watch. Never the text or the parameters: a line names the statement by its
 * fingerprint, operation and table.
 */
import * as Effect from "effect/Effect"
import type { StatementHooksShape } from "../driver/StatementHooks.ts"
import { statementOf } from "../telemetry/Fingerprint.ts"
import { StatementTexts } from "../telemetry/StatementTexts.ts"

/** Hooks that log. `watched` says whether lines are wanted at all. */
export const make = (watched: boolean): Pick<StatementHooksShape, "isPrecise" | "outcome"> => {
  const texts = new StatementTexts(statementOf)
  return {
    isPrecise: watched,
    outcome: ({ durationMs, error, lane, rows, sql }) => {
      if (!watched) return undefined
      const { id, summary } = texts.get(sql).fingerprint
      return Effect.annotateLogs(Effect.logDebug(summary), {
        fingerprint: id,
        ms: Math.round(durationMs * 100) / 100,
        rows,
        lane,
        outcome: error === undefined ? "ok" : error.reason._tag
      })
    }
  }
}
