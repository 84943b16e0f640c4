/**
 * What does not work through a pooler that lends server sessions for a transaction at a time, and works wrongly
 * without an error: LISTEN hears nothing, SET and locks stay with whoever gets the session next.
 *
 * Source: PgBouncer documentation, "SQL feature map for pooling modes".
 */

const rules: ReadonlyArray<readonly [pattern: RegExp, what: string]> = [
  [/^(?:un)?listen\b/i, "LISTEN"],
  [/^(?:set\s+(?!local\b|transaction\b|constraints\b)|reset\b|discard\b)/i, "SET for a session"],
  [/\bpg_(?:try_)?advisory_(?:un)?lock(?:_shared|_all)?\s*\(/i, "an advisory lock of a session"],
  [/^(?:prepare(?!\s+transaction\b)|execute|deallocate)\b/i, "PREPARE in SQL"],
  [/^declare\b[^;]*\bwith\s+hold\b/i, "a cursor WITH HOLD"],
  [/^create\s+(?:(?:local|global)\s+)?temp(?:orary)?\b(?![\s\S]*\bon\s+commit\s+drop\b)/i, "a temporary table"],
  [/^select\b[\s\S]*\binto\s+temp(?:orary)?\b/i, "a temporary table"],
  [/^load\b/i, "LOAD"]
]

/** Blanks and comments in front of the first word. */
const leading = /^(?:\s|--[^\n\r]*(?:[\n\r]|$)|\/\*[\s\S]*?\*\/)*/

/** Texts remembered: an application repeats a few hundred; one that does not would only fill memory. */
const remembered = 2048
const verdicts = new Map<string, string | undefined>()

/** What `sql` needs that a pooler does not give, or nothing. */
export const forbidden = (sql: string): string | undefined => {
  if (verdicts.has(sql)) return verdicts.get(sql)
  const text = sql.replace(leading, "")
  const verdict = rules.find(([pattern]) => pattern.test(text))?.[1]
  if (verdicts.size >= remembered) verdicts.clear()
  verdicts.set(sql, verdict)
  return verdict
}

/** A setting that stays, unless the call says `true` for local. */
const setting = /\bset_config\s*\((?!(?:[^()]|\([^()]*\))*,\s*true\s*\))/i

const leavers = new Map<string, boolean>()

/** Whether `sql` leaves something in its session that the next caller would meet: a setting, a lock, a table. */
export const leavesState = (sql: string): boolean => {
  let known = leavers.get(sql)
  if (known === undefined) {
    known = forbidden(sql) !== undefined || setting.test(sql)
    if (leavers.size >= remembered) leavers.clear()
    leavers.set(sql, known)
  }
  return known
}
