/** Drizzle on pg: a user by its key, the query prepared once. */
export interface Peer {
  /** Through Drizzle's own cache. */
  readonly cached: (id: number) => Promise<{ readonly length: number }>
  readonly uncached: (id: number) => Promise<{ readonly length: number }>
  /** How often its cache had the answer. */
  readonly hits: () => number
  readonly close: () => Promise<void>
}
