/**
 * What a statement is called whatever its values are: the same query, the same fingerprint, in every process and
 * after every restart.
 */
import { createHash } from "node:crypto"
import { hidden, normalText } from "./NormalText.ts"
import { summaryOf } from "./QuerySummary.ts"
import { tablesOf } from "./QueryTables.ts"
import { type Token, tokenize } from "./Tokens.ts"

export interface Fingerprint {
  /** The first 16 hex digits of the SHA-256 of the whole normal text. */
  readonly id: string
  /** Without values; its first 4,096 characters. */
  readonly text: string
  /** `SELECT`, `INSERT`, …; `undefined` for what begins with no word of SQL that we know. */
  readonly operation: string | undefined
  /** Operation and first table: `SELECT users`. */
  readonly summary: string
  /** Named in the text, each once. Not those that a view or a function reads. */
  readonly tables: ReadonlyArray<string>
}

/** What one text says beyond its fingerprint. */
export interface Statement {
  readonly fingerprint: Fingerprint
  /** Whether its own rows are limited. */
  readonly hasLimit: boolean
  /** Rows that it skips: as written, or which parameter says it, from 1. */
  readonly offset: { readonly rows: number } | { readonly parameter: number } | undefined
}

/**
 * More is not read, in characters: what is that long is mostly an INSERT of many rows. One that is cut has a fingerprint
 * without what stands behind its rows, the same however many they are.
 */
const readAtMost = 16_384

/** Text that is shown, in characters. */
const shownAtMost = 4096

const limitsOf = (tokens: ReadonlyArray<Token>): Pick<Statement, "hasLimit" | "offset"> => {
  let depth = 0
  let hasLimit = false
  let offset: Statement["offset"]
  for (let at = 1; at < tokens.length; at++) {
    const { kind, text } = tokens[at]!
    if (text === "(") depth++
    else if (text === ")") depth--
    else if (depth === 0 && kind === "word") {
      const word = text.toLowerCase()
      const next = tokens[at + 1]
      if (word === "limit" || word === "fetch") hasLimit = true
      else if (word === "offset" && next?.kind === "number") offset = { rows: Number(next.text) }
      else if (word === "offset" && next?.kind === "parameter") offset = { parameter: Number(next.text.slice(1)) }
    }
  }
  return { hasLimit, offset }
}

/** Takes 5 µs to 1 ms, so it is remembered by text: see `StatementTexts.ts`. */
export const statementOf = (sql: string): Statement => {
  const tokens = tokenize(sql, readAtMost)
  const { operation, summary } = summaryOf(tokens)
  // Who begins with no word of SQL may have sent anything, and the server refuses it.
  const normal = operation === undefined ? hidden : normalText(tokens, sql.length > readAtMost)
  return {
    fingerprint: {
      id: createHash("sha256").update(normal).digest("hex").slice(0, 16),
      text: normal.length > shownAtMost ? `${normal.slice(0, shownAtMost - 1)}${hidden}` : normal,
      operation,
      summary: summary ?? "postgresql",
      tables: operation === undefined ? [] : tablesOf(tokens)
    },
    ...limitsOf(tokens)
  }
}
