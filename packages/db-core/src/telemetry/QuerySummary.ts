/**
 * Names a statement by what it does and to which table: `SELECT users`. Identifiers only: a raw statement may hold
 * literals, so where the text could be read in two ways it is named by its verb alone.
 *
 * Source: OpenTelemetry semantic conventions, "Generating a summary of the query".
 */
import { type Token, tokenize } from "./Tokens.ts"

export interface QuerySummary {
  /** `undefined` for what begins with no word of SQL that we know. */
  readonly operation: string | undefined
  /** Operation and first table. */
  readonly summary: string | undefined
}

/** Statements that name a table, and the word before it. */
const beforeTable: Readonly<Record<string, string>> = {
  select: "from",
  insert: "into",
  update: "update",
  delete: "from",
  merge: "into"
}

const otherVerbs = new Set(
  ("values table set show reset begin start commit rollback savepoint release end abort prepare execute deallocate " +
    "declare fetch move close copy call do lock truncate create alter drop comment grant revoke explain analyze vacuum " +
    "reindex cluster refresh listen unlisten notify discard checkpoint").split(" ")
)

const isName = ({ kind }: Token): boolean => kind === "word" || kind === "quoted"

const isSkipped = ({ kind }: Token): boolean =>
  kind === "comment" || kind === "string" || kind === "number" || kind === "parameter"

/** A name as the server knows it, but for the case of its letters. */
export const unquoted = (name: string): string => name[0] === "\"" ? name.slice(1, -1).replaceAll("\"\"", "\"") : name

/** More is not read: a table's name stands near the beginning. */
const readAtMost = 8192

export const summarize = (sql: string): QuerySummary => summaryOf(tokenize(sql, readAtMost))

/** The same of a statement that was taken apart already. */
export const summaryOf = (tokens: ReadonlyArray<Token>): QuerySummary => {
  /** The verb of each open parenthesis; of the statement itself at the bottom. */
  const verbs: Array<string> = [""]
  let operation: string | undefined
  let table: string | undefined
  let isInner = true
  let begins: "with" | "verb" | undefined
  /** What the next token may be: a table's name, or what follows a dot in it. */
  let expected: "name" | "dot" | "part" | undefined
  let last = ""

  for (const token of tokens) {
    if (token.kind === "doubtful") {
      table = undefined
      break
    }
    if (isSkipped(token)) continue
    const { text } = token
    const word = text.toLowerCase()
    if (expected === "dot" && text === ".") {
      expected = "part"
      continue
    }
    if (expected === "part" && isName(token)) {
      table += `.${unquoted(text)}`
      expected = "dot"
      continue
    }
    if (expected === "dot" && !isInner) break
    if (expected === "name" && isName(token)) {
      if (word === "only" || word === "lateral") continue
      // A word of the statement itself wins over one in a subquery or a WITH.
      if (table === undefined || verbs.length === 1) {
        table = unquoted(text)
        isInner = verbs.length > 1
        expected = "dot"
      } else expected = undefined
      continue
    }
    expected = undefined
    const top = verbs.length - 1
    if (text === "(") verbs.push("")
    else if (text === ")") {
      if (top > 0) verbs.pop()
    } else if (begins === undefined && word === "with") begins = "with"
    else if (verbs[top] === "" && Object.hasOwn(beforeTable, word)) {
      verbs[top] = word
      begins ??= "verb"
      if (operation === undefined && (begins === "verb" || top === 0)) operation = word.toUpperCase()
      if (word === "update") expected = "name"
    } else if (begins === undefined) {
      if (otherVerbs.has(word)) operation = word.toUpperCase()
      break
    } else if (beforeTable[verbs[top]!] === word && last !== "distinct") expected = "name"
    last = word
  }
  if (operation === undefined) return { operation, summary: undefined }
  return { operation, summary: table === undefined ? operation : `${operation} ${table}` }
}
