/**
 * The words of a statement, told apart as Postgres's own lexer does it: what is a literal or a comment, and where it
 * ends. Where that cannot be known, the rest of the text is one `doubtful` token without its text: a literal taken for
 * words would leave the process in a log line or a span.
 *
 * Source: `src/backend/parser/scan.l` of Postgres 18.
 */

/**
 * - `word`: a keyword or an unquoted identifier; `quoted`: an identifier in double quotes, quotes included.
 * - `string`: a literal of any quoting, `E''`, `B''`, `X''`, `N''`, `U&''` and dollar quotes included.
 * - `parameter`: `$1`. `symbol`: one of `( ) [ ] , ; .`, or an operator.
 * - `doubtful`: the last one, empty: where a literal ends depends on a setting of the server, or it has no end.
 */
export type TokenKind = "word" | "quoted" | "string" | "number" | "parameter" | "symbol" | "comment" | "doubtful"

export interface Token {
  readonly kind: TokenKind
  readonly text: string
}

const space = /[ \t\n\r\f\v]+/y
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
/** Also what a newer server refuses, such as `1from`: nothing behind a digit is taken for a word. */
const number = /(?:\d|\.\d)(?:[eE][+-]?\d|[\w.\u0080-\uffff])*/y
const parameter = /\$\d+/y
const dollarQuote = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z_0-9\u0080-\uffff]*)?\$/y
const lineComment = /--[^\n\r]*/y
const commentBounds = /\/\*|\*\//g
const operator = /[-+*/<>=~!@#%^&|`?]+/y
const single = "()[],;."

const unquotedPrefixes = /^(?:[bxn]|u&)$/i

/** Where the pattern ends that begins at `at`, or -1. */
const end = (pattern: RegExp, sql: string, at: number): number => {
  pattern.lastIndex = at
  return pattern.test(sql) ? pattern.lastIndex : -1
}

/** Behind the closing quote; a doubled one closes nothing. `at` is behind the opening one. -1 without an end. */
const quoteEnd = (sql: string, quote: string, at: number): number => {
  for (let from = at;;) {
    const found = sql.indexOf(quote, from)
    if (found < 0) return -1
    if (sql[found + 1] !== quote) return found + 1
    from = found + 2
  }
}

/** The same where a backslash escapes. */
const escapedEnd = (sql: string, at: number): number => {
  for (let from = at; from < sql.length; from++) {
    if (sql[from] === "\\") from++
    else if (sql[from] === "'") {
      if (sql[from + 1] !== "'") return from + 1
      from++
    }
  }
  return -1
}

/** Comments nest. */
const commentEnd = (sql: string, at: number): number => {
  let depth = 0
  commentBounds.lastIndex = at
  for (let found = commentBounds.exec(sql); found !== null; found = commentBounds.exec(sql)) {
    depth += found[0] === "/*" ? 1 : -1
    if (depth === 0) return commentBounds.lastIndex
  }
  return -1
}

/** A run of operator characters: a comment ends it, and a sign at its end belongs to what follows, as in `=-1`. */
const operatorEnd = (sql: string, at: number): number => {
  const text = sql.slice(at, end(operator, sql, at))
  const comment = text.search(/--|\/\*/)
  let length = comment > 0 ? comment : text.length
  if (!/[~!@#%^&|`?]/.test(text.slice(0, length))) {
    while (length > 1 && (text[length - 1] === "+" || text[length - 1] === "-")) length--
  }
  return at + length
}

/** A plain string: by an old setting (`standard_conforming_strings`) a backslash before a quote would escape it. */
const isTwofold = (sql: string, from: number, to: number): boolean => {
  const found = sql.indexOf("\\'", from)
  return found >= 0 && found < to
}

const doubtful: Token = { kind: "doubtful", text: "" }

/** The tokens of `sql` without white space; those that begin in its first `atMost` characters. */
export const tokenize = (sql: string, atMost = Number.POSITIVE_INFINITY): Array<Token> => {
  const tokens: Array<Token> = []
  let at = 0
  while (at < sql.length && at < atMost) {
    const first = sql[at]!
    let kind: TokenKind
    let to: number
    const blank = end(space, sql, at)
    if (blank > 0) {
      at = blank
      continue
    }
    const named = end(word, sql, at)
    if (named > 0) {
      const prefix = sql.slice(at, named)
      if (sql[named] === "'" && /^e$/i.test(prefix)) {
        kind = "string"
        to = escapedEnd(sql, named + 1)
      } else if (sql[named] === "'" && unquotedPrefixes.test(prefix)) {
        kind = "string"
        to = quoteEnd(sql, "'", named + 1)
      } else if (/^u$/i.test(prefix) && sql[named] === "&" && (sql[named + 1] === "'" || sql[named + 1] === "\"")) {
        // An identifier with escapes is as good as a literal: nobody reads it.
        kind = "string"
        to = quoteEnd(sql, sql[named + 1]!, named + 2)
      } else {
        kind = "word"
        to = named
      }
    } else if (first === "'") {
      kind = "string"
      to = quoteEnd(sql, "'", at + 1)
      if (to > 0 && isTwofold(sql, at, to)) to = -1
    } else if (first === "\"") {
      kind = "quoted"
      to = quoteEnd(sql, "\"", at + 1)
    } else if (first === "$") {
      kind = "parameter"
      to = end(parameter, sql, at)
      if (to < 0) {
        kind = "string"
        const opened = end(dollarQuote, sql, at)
        const closing = sql.slice(at, opened)
        const closed = opened < 0 ? -1 : sql.indexOf(closing, opened)
        to = closed < 0 ? -1 : closed + closing.length
      }
    } else if (sql.startsWith("--", at)) {
      kind = "comment"
      to = end(lineComment, sql, at)
    } else if (sql.startsWith("/*", at)) {
      kind = "comment"
      to = commentEnd(sql, at)
    } else if ((to = end(number, sql, at)) > 0) {
      kind = "number"
    } else if (single.includes(first)) {
      kind = "symbol"
      to = at + 1
    } else if (first === ":") {
      kind = "symbol"
      to = at + (sql[at + 1] === ":" || sql[at + 1] === "=" ? 2 : 1)
    } else if (end(operator, sql, at) > 0) {
      kind = "symbol"
      to = operatorEnd(sql, at)
    } else {
      kind = "doubtful"
      to = -1
    }
    if (to < 0) {
      tokens.push(doubtful)
      break
    }
    tokens.push({ kind, text: sql.slice(at, to) })
    at = to
  }
  return tokens
}
