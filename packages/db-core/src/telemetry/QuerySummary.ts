/**
 * Names a statement by what it does and to which table: `SELECT users`. Identifiers only: a raw statement may hold
 * literals, so where the text could be read in two ways it is named by its verb alone.
 *
 * Source: OpenTelemetry semantic conventions, "Generating a summary of the query".
 */

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

/** Literals and comments each as a whole, so that nothing inside them is taken for a word. */
const tokens = new RegExp(
  [
    "--[^\\n]*",
    "/\\*[\\s\\S]*?\\*/",
    "[eE]'(?:[^'\\\\]|\\\\[\\s\\S]|'')*'",
    "'[^']*'",
    "\\$((?:[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)?)\\$[\\s\\S]*?\\$\\1\\$",
    "\"(?:[^\"]|\"\")*\"",
    "[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*",
    "[0-9$][\\w.]*",
    "\\S"
  ].join("|"),
  "g"
)

/** A literal may end elsewhere than we think: at a backslash by an old setting, in a nested comment, without its end. */
const isAmbiguous = (token: string): boolean =>
  token === "'" || token === "\"" || (token[0] === "'" && token.includes("\\")) ||
  (token.startsWith("/*") && token.includes("/*", 2))

const isSkipped = (token: string): boolean =>
  token[0] === "'" || token.startsWith("--") || token.startsWith("/*") || /^(?:[eE]'|\$)/.test(token)

const isName = (token: string): boolean => /^["A-Za-z_\u0080-\uffff]/.test(token)

const unquoted = (name: string): string => name[0] === "\"" ? name.slice(1, -1).replaceAll("\"\"", "\"") : name

/** More is not read: a table's name stands near the beginning. */
const readAtMost = 8192

export const summarize = (sql: string): QuerySummary => {
  /** The verb of each open parenthesis; of the statement itself at the bottom. */
  const verbs: Array<string> = [""]
  let operation: string | undefined
  let table: string | undefined
  let isInner = true
  let begins: "with" | "verb" | undefined
  /** What the next token may be: a table's name, or what follows a dot in it. */
  let expected: "name" | "dot" | "part" | undefined
  let last = ""

  for (const [token] of sql.slice(0, readAtMost).matchAll(tokens)) {
    if (isAmbiguous(token)) {
      table = undefined
      break
    }
    if (isSkipped(token)) continue
    const word = token.toLowerCase()
    if (expected === "dot" && token === ".") {
      expected = "part"
      continue
    }
    if (expected === "part" && isName(token)) {
      table += `.${unquoted(token)}`
      expected = "dot"
      continue
    }
    if (expected === "dot" && !isInner) break
    if (expected === "name" && isName(token)) {
      if (word === "only" || word === "lateral") continue
      // A word of the statement itself wins over one in a subquery or a WITH.
      if (table === undefined || verbs.length === 1) {
        table = unquoted(token)
        isInner = verbs.length > 1
        expected = "dot"
      } else expected = undefined
      continue
    }
    expected = undefined
    const top = verbs.length - 1
    if (token === "(") verbs.push("")
    else if (token === ")") {
      if (top > 0) verbs.pop()
    } else if (begins === undefined && word === "with") begins = "with"
    else if (verbs[top] === "" && word in beforeTable) {
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
