/**
 * The names in a statement that may make its answer depend on more than its tables and parameters: functions, operators
 * made of functions, words that stand for the time or the session. Literals and comments are skipped; what could be
 * read in two ways is told as such.
 */

import { implicitCast } from "../../catalog/relationFacts.ts"
import { tokenize } from "../../telemetry/Tokens.ts"

/** What is wrong with caching a statement, or nothing. */
export type NameVerdict = "volatile" | "session" | "catalog" | "user_function" | "ambiguous" | undefined

export interface KnownFunctions {
  readonly get: (
    name: string
  ) => { readonly volatile: boolean; readonly foreign: boolean; readonly type: boolean } | undefined
}

/** Words without parentheses that stand for the time. */
const timeWords = new Set(["current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"])

/** Words without parentheses that stand for the session. */
const sessionWords = new Set([
  "current_role",
  "current_user",
  "session_user",
  "user",
  "current_catalog",
  "current_schema"
])

/** Stable functions of Postgres whose answer depends on the time. */
const timeFunctions = new Set(["now", "transaction_timestamp", "statement_timestamp", "age"])

/** Stable functions of Postgres that read the session, its rights, or the catalogs. */
const sessionFunctions =
  /^(?:current_setting|current_schemas?|current_query|inet_\w+|pg_\w+|has_\w+|to_reg\w+|txid_\w+|\w+_to_xml\w*|row_security_active|\w+_description|format_type|version)$/

/** Strings that Postgres reads as a time that passes. */
const timeLiteral = /\b(?:now|today|tomorrow|yesterday)\b/i

export const isTimeLiteral = (value: unknown): boolean =>
  typeof value === "string"
    // A time is short, but a list of them as text may be long.
    ? timeLiteral.test(value)
    : Array.isArray(value) && value.some(isTimeLiteral)

const unquoted = (name: string): string => name.slice(1, -1).replaceAll("\"\"", "\"")

/** Everything that was found, in the order of the text. */
function* findings(sql: string, functions: KnownFunctions): Generator<Exclude<NameVerdict, undefined>> {
  // It may be in any query.
  if (functions.get(implicitCast) !== undefined) yield "user_function"
  const tokens = tokenize(sql).filter(({ kind }) => kind !== "comment")
  for (const [at, { kind, text }] of tokens.entries()) {
    // What an escape stands for is not looked up, and of two strings in a row Postgres makes one.
    if (kind === "doubtful" || /^[uU]&/.test(text)) yield "ambiguous"
    else if (kind === "string") {
      if (/^[eE]'.*\\/s.test(text) || tokens[at - 1]?.kind === "string") yield "ambiguous"
      if (isTimeLiteral(text)) yield "volatile"
    } else if (kind === "symbol") {
      if (functions.get(text)?.foreign === true) yield "user_function"
    } else if (kind === "word" || kind === "quoted") {
      yield* named(text, tokens[at - 1]?.text === ".", tokens[at + 1]?.text === "(", functions)
    }
  }
}

function* named(
  text: string,
  isMember: boolean,
  isCall: boolean,
  functions: KnownFunctions
): Generator<Exclude<NameVerdict, undefined>> {
  const isQuoted = text[0] === "\""
  const name = isQuoted ? unquoted(text) : text.toLowerCase()
  if (!isQuoted && !isMember) {
    if (timeWords.has(name) || name === "tablesample") yield "volatile"
    if (sessionWords.has(name)) yield "session"
  }
  // pg_stat_activity and the like; a column called so is not cached, and nothing worse.
  if (name.startsWith("pg_") || name === "information_schema") yield "catalog"
  if (isCall && timeFunctions.has(name)) yield "volatile"
  if (isCall && sessionFunctions.test(name)) yield "session"
  const known = functions.get(name)
  // `row.function` calls it too, for functions of rows: those are users'.
  if (known === undefined || !(known.type || isCall || (isMember && known.foreign))) return
  if (known.foreign) yield "user_function"
  if (known.volatile) yield "volatile"
}

/** The first reason against caching `sql`. With `mayCallFunctions` functions of users are none if they are stable. */
export const verdictOf = (sql: string, functions: KnownFunctions, mayCallFunctions: boolean): NameVerdict => {
  for (const finding of findings(sql, functions)) {
    if (finding !== "user_function" || !mayCallFunctions) return finding
  }
  return undefined
}

/** Whether it may call a function that is not Postgres's own. */
export const mayCallForeign = (sql: string, functions: KnownFunctions): boolean => {
  for (const finding of findings(sql, functions)) {
    if (finding === "user_function" || finding === "ambiguous") return true
  }
  return false
}
