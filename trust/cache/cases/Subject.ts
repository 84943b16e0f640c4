/** A cache under test, through the Drizzle that it belongs to. */
import type { Build } from "./Drizzle.ts"

export type Row = Readonly<Record<string, unknown>>
export type Rows = ReadonlyArray<Row>

/** What a read says about itself where the cache knows such a thing; others read as they always do. */
export interface ReadOptions {
  /** Contains this transaction. */
  readonly after?: string
  /** Tables that functions read. */
  readonly tables?: ReadonlyArray<string>
}

export interface Statements {
  /** Through the cache. */
  readonly read: (build: Build, options?: ReadOptions) => Promise<Rows>
  /** The same, past the cache. */
  readonly uncached: (build: Build) => Promise<Rows>
  /** Past the cache's reads, seen by it as a write. What RETURNING gave. */
  readonly write: (build: Build) => Promise<Rows>
}

export interface Subject extends Statements {
  /** Commits when `use` resolves, rolls back when it rejects. */
  readonly transaction: <A>(use: (tx: Statements) => Promise<A>) => Promise<A>
  /** Prepared once by Drizzle, executed often through the cache. */
  readonly prepare: (build: Build) => (values: Readonly<Record<string, unknown>>) => Promise<Rows>
  /** Through the cache, under settings that row security depends on. */
  readonly readAs: (settings: Readonly<Record<string, string>>, build: Build) => Promise<Rows>
  /** The statement's text. */
  readonly textOf: (build: Build) => string
  /** Writes, and names the transaction that did, where the cache can say it. */
  readonly causal?: (build: Build) => Promise<string>
  /** How often the database was asked, where the cache counts it. */
  readonly asked?: () => Promise<number>
  /** Prepares a new database for it, once. */
  readonly install?: () => Promise<void>
  /** Makes the store throw, where there is one that can. */
  readonly failStore?: (when: "get" | "put" | "invalidate") => void
  readonly close: () => Promise<void>
}

export interface OpenOptions {
  readonly url: string
  /** Connections at most. */
  readonly max: number
  /** How old an answer may be, in milliseconds, where the cache knows such a bound. */
  readonly staleness: number
}

export interface Contestant {
  readonly name: string
  /** Reads see what others have written at once. */
  readonly immediate: boolean
  /** Must be seen to answer without the database: a cache that never does is never wrong. */
  readonly mustServe: boolean
  /** Its cases are the product's own. */
  readonly ours: boolean
  readonly open: (options: OpenOptions) => Promise<Subject>
  /** SQL that puts every table of a database under the cache's care, where it wants such a thing. */
  readonly adopt?: string
}
