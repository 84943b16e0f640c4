/**
 * One question to Postgres's catalogs and statistics, as a file states it: its SQL, which servers can answer it, and
 * what a row is.
 */
import type { ServerFacts } from "./ServerFacts.ts"

/** Why a question has no answer here. Said instead of an empty list, which would look like good news. */
export interface Unavailable {
  /**
   * - `version`, `extension`, `privilege`: a newer server, an extension or a role would have it.
   * - `backend`: nobody reaches it on this way to the database, such as sessions on an embedded one.
   * - `statistics`: it is answered from records that are not kept, or not for long enough.
   * - `failed`: the server refused the question, or took too long.
   */
  readonly because: "version" | "extension" | "privilege" | "backend" | "statistics" | "failed"
  /** One sentence: what is missing, and how to get it. */
  readonly text: string
}

/** Rows, or why there are none. */
export type Answer<Row> =
  | { readonly isAvailable: true; readonly rows: ReadonlyArray<Row>; readonly notes: ReadonlyArray<string> }
  | { readonly isAvailable: false; readonly unavailable: Unavailable }

export interface CatalogQuery<Row> {
  /** Its file's name in words with hyphens, such as `unused-indexes`. */
  readonly name: string
  /** Nothing where it can be asked. Default: it can be asked everywhere. */
  readonly unavailable?: (server: ServerFacts) => Unavailable | undefined
  /**
   * One statement without parameters. Columns are aliased to the names of `Row` and cast to what JSON has: `text`,
   * `bool`, `int4`, `float8` for counters, bytes and milliseconds (exact to 2^53), arrays of these, instants by
   * `isoInstant`.
   */
  readonly sql: (server: ServerFacts) => string
  /** What becomes of a row before anybody sees it: takes out what must not leave, such as literals of a statement. */
  shown?(row: Row): Row
  /** What limits the answer here, such as rows that this role does not see. One sentence each. */
  readonly notes?: (server: ServerFacts) => ReadonlyArray<string>
  /** Only for types: what the columns of `sql` are. */
  readonly Row?: Row
}

export const available = <Row>(rows: ReadonlyArray<Row>, notes: ReadonlyArray<string> = []): Answer<Row> => ({
  isAvailable: true,
  rows,
  notes
})

export const unavailable = (because: Unavailable["because"], text: string): Unavailable => ({ because, text })

/** For what needs an extension. */
export const needsExtension = (server: ServerFacts, name: string): Unavailable | undefined =>
  server.extensions.has(name)
    ? undefined
    : unavailable("extension", `needs the extension ${name}: create extension ${name}`)

/** For what is about other sessions: an embedded database has one. */
export const needsSessions = (server: ServerFacts): Unavailable | undefined =>
  server.backend === "embedded"
    ? unavailable("backend", "an embedded database has one session, and there is nobody else to see")
    : undefined
