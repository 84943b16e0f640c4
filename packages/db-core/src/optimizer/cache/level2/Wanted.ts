/** What the first level asks the second one for, and how it takes what it gets. */
import { createHash } from "node:crypto"
import type { Found } from "../../../driver/Statements.ts"
import type { Table } from "../Tables.ts"

/** A query that the first level has no answer to. */
export interface Wanted {
  readonly sql: string
  /** Whatever else tells its answer from another's: how rows are given, declarations, scope, parameters. */
  readonly rest: string
  readonly tables: ReadonlyArray<Table>
  readonly tags: ReadonlyArray<Table>
  /** Milliseconds. */
  readonly maxAge: number
  /** The same object for every call of the text. */
  readonly text: object
}

/** The first level's side of what is found. */
export interface Adopter {
  /** Whether it would be served: definitions are the same, and no write to its tables is under way here. */
  readonly isWanted: () => boolean
  /** Ages in milliseconds. */
  readonly adopt: (found: Found, ageMs: number, tookMs: number) => void
}

/** The same in every process for the same query of the same tables; nothing can be read of it. */
export const digestOf = ({ rest, sql, tables }: Wanted): string => {
  const oids = tables.map(({ oid }) => oid).toSorted((a, b) => a - b)
  return createHash("sha256").update(`${oids.join(",")};${sql.length}:${sql}${rest}`).digest("base64url")
}
