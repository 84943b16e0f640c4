/**
 * An index that must exist, as plain data, and the statement that makes it.
 */
import { qualified, quoted } from "./Identifier.ts"

export interface IndexDefinition {
  readonly name: string
  readonly schema: string
  readonly table: string
  /** Keys as they stand in CREATE INDEX. */
  readonly columns: ReadonlyArray<string>
  readonly unique: boolean
  readonly method: string
  /** The condition of a partial index as SQL; null when it covers every row. */
  readonly predicate: string | null
  /** Why it is kept although a check would call it redundant or unused. */
  readonly intentional?: string | null
}

export interface CreateIndexOptions {
  /** Writers go on meanwhile. Cannot run in a transaction. */
  readonly concurrently: boolean
  /** The table as it stands in SQL; by default the definition's own. */
  readonly on?: string
}

/**
 * Without IF NOT EXISTS, which answers CREATE INDEX over one that is there and invalid: whoever runs it has looked.
 */
export const createIndexText = (
  { columns, method, name, predicate, schema, table, unique }: IndexDefinition,
  { concurrently, on = qualified(schema, table) }: CreateIndexOptions
): string =>
  `create ${unique ? "unique " : ""}index ${concurrently ? "concurrently " : ""}${quoted(name)} on ${on} ` +
  `using ${quoted(method)} (${columns.join(", ")})${predicate === null ? "" : ` where ${predicate}`}`
