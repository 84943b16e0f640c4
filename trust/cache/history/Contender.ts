/** A data layer with a cache, and the few things that the histories ask of it. */
import type { QueryName } from "./Layout.ts"

/** `after`: the xid of a transaction that the answer must contain. */
export type Level = "bounded" | "strong" | { readonly after: string }

/** The groups that an application writes; what is in it alone the outsider writes otherwise. */
export type Written = "pair" | "family" | "quiet"

/** A committed write. */
export interface Commit {
  readonly version: number
  /** As text. */
  readonly xid: string
}

/** Counted since it was opened. */
export interface Counts {
  /** Answered from the cache, at once or after asking whether it may. */
  readonly hits: number
  readonly misses: number
  /** Went to the database because the cache could not vouch for an answer. */
  readonly bypasses: number
  /** What the layer itself says of that time, for whoever reads a run that failed. */
  readonly detail?: unknown
}

export interface TransactionOptions {
  /** Writes `poison`, reads it through the layer and rolls back. */
  readonly poisoned: boolean
  /** Called with what is about to be committed, before COMMIT is sent. */
  readonly sending: (commit: Commit) => void
}

export interface CacheContender {
  /** The values, in the order of the query's description. */
  readonly read: (query: QueryName, row: number, level: Level) => Promise<ReadonlyArray<number>>
  /** The answer that is there without waiting; where a layer has none, nothing is asked of it. */
  readonly tryRead?: (query: QueryName, row: number) => ReadonlyArray<number> | undefined
  /** One statement by itself. */
  readonly write: (group: Written, row: number) => Promise<Commit>
  /** Resolves with nothing where it was rolled back as it should. */
  readonly transaction: (group: Written, row: number, options: TransactionOptions) => Promise<Commit | undefined>
  readonly counts: () => Promise<Counts>
  /** Creates what the layer needs in the database, once for all processes. */
  readonly install?: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface CacheOptions {
  readonly url: string
  readonly applicationName: string
  readonly connections: number
  /** L: how old a `bounded` answer may be. */
  readonly boundMs: number
}

export const cacheContenders = ["ems", "drizzle-0.45", "drizzle-rc", "no cache"] as const
export type CacheContenderName = (typeof cacheContenders)[number]

/** What a transaction that shall roll back fails with. */
export class Poisoned extends Error {}
