/**
 * Splits SQL into statements with Postgres's own parser, which knows dollar quotes, nested comments and functions with
 * bodies of several statements.
 *
 * It is 1.7 MB of WebAssembly, so it is loaded when the first text is parsed, and by nobody else.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Node } from "libpg-query"

export interface ParsedStatement {
  readonly node: Node
  /** From its first word to its last, without the semicolon. */
  readonly text: string
  /** Those between the statement before it and its first word. */
  readonly comments: ReadonlyArray<string>
  /** Of its first word, from 1. */
  readonly line: number
}

/** The parser's own words would quote a part of the text, which may be a value. */
export class ParseError extends Schema.TaggedError<ParseError>()("ParseError", {
  /** From 1. */
  line: Schema.Int
}) {
  override get message(): string {
    return `not SQL of Postgres 18 in line ${this.line}`
  }
}

const isComment = (token: { readonly tokenName: string }): boolean =>
  token.tokenName === "SQL_COMMENT" || token.tokenName === "C_COMMENT"

const lineAt = (sql: string, position: number): number => sql.slice(0, position).split("\n").length

/** An error of the parser says where; other errors do not. */
const cursorOf = (error: unknown): number =>
  typeof error === "object" && error !== null && "sqlDetails" in error &&
    typeof error.sqlDetails === "object" && error.sqlDetails !== null && "cursorPosition" in error.sqlDetails
    ? Number(error.sqlDetails.cursorPosition)
    : 0

const library = Effect.promise(() => import("libpg-query"))

/** The statements of `sql` in their order; none where it has but comments. */
export const parse = Effect.fnUntraced(function*(sql: string) {
  const { parse: parseTree, scan } = yield* library
  const refused = (error: unknown) => new ParseError({ line: lineAt(sql, cursorOf(error)) })
  const { stmts = [] } = yield* Effect.tryPromise({ try: () => parseTree(sql), catch: refused })
  const { tokens } = yield* Effect.tryPromise({ try: () => scan(sql), catch: refused })
  // Positions count bytes.
  const bytes = new TextEncoder().encode(sql)
  const slice = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to))
  let before = 0
  return stmts.flatMap(({ stmt, stmt_len, stmt_location = 0 }): ReadonlyArray<ParsedStatement> => {
    const end = stmt_len === undefined || stmt_len === 0 ? bytes.length : stmt_location + stmt_len
    const own = tokens.filter((token) => token.start >= before && token.end <= end && token.text !== ";")
    before = end
    const first = own.findIndex((token) => !isComment(token))
    const last = own.findLast((token) => !isComment(token))
    const start = own[first]?.start
    if (stmt === undefined || start === undefined || last === undefined) return []
    return [{
      node: stmt,
      text: slice(start, last.end),
      comments: own.slice(0, first).map(({ text }) => text),
      line: slice(0, start).split("\n").length
    }]
  })
})
