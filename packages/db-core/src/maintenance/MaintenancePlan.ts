/**
 * What would be done: one step for each statement that does something, with what it locks, what it costs and who is in
 * its way now. Made from the catalog alone, so a plan that is made again finds what is left to do.
 */
import type { LockLevel, Waits } from "./blockers.ts"
import type { Action, Blocker } from "./MaintenanceError.ts"

export type StepKind =
  | "create-index"
  | "rebuild-index"
  | "reindex"
  | "drop-index"
  | "vacuum"
  | "vacuum-full"
  | "analyze"

export interface Step {
  readonly kind: StepKind
  readonly schema: string
  /** The index, or the table of the kinds that work on one. */
  readonly object: string
  readonly table: string
  readonly tableOid: number
  /** Run one after the other, each outside of transactions. */
  readonly statements: ReadonlyArray<string>
  /** Why it is to be done, in a few words. */
  readonly because: string
  readonly lock: LockLevel
  /** What cannot go on meanwhile. */
  readonly blocks: "schema changes" | "writes" | "reads and writes"
  /** What is read or rebuilt. */
  readonly bytes: number
  /** Additional space while it runs; at most, and without what sorting spills. */
  readonly diskBytes: number
  /** From what earlier steps of its kind took here; null when there were none. */
  readonly estimatedMs: number | null
  readonly blockers: ReadonlyArray<Blocker>
  /** What makes undone what it does; null where nothing has to or can. */
  readonly undo: string | null
}

/** An index as the definitions and the database see it. */
export interface IndexReport {
  readonly schema: string
  readonly name: string
  readonly table: string
  /**
   * - `present`: as defined. `missing`, `invalid`: will be built.
   * - `drifted`: usable, and not as defined. `extra`: nobody defined it. Both are reported, not touched.
   * - `building`: another session is at it.
   */
  readonly state: "present" | "missing" | "invalid" | "drifted" | "extra" | "building"
  readonly expected: string | null
  readonly actual: string | null
}

export interface MaintenancePlan {
  readonly action: Action
  readonly steps: ReadonlyArray<Step>
  /** Of `createIndexes`; empty for others. */
  readonly indexes: ReadonlyArray<IndexReport>
  /** What was left out and why, one sentence each. */
  readonly notes: ReadonlyArray<string>
}

/** What each kind locks, and whom it waits for. */
export const waitsOf: { readonly [K in StepKind]: Waits } = {
  "create-index": { level: "ShareUpdateExclusive", holdersOf: "Share", snapshots: true },
  "rebuild-index": { level: "ShareUpdateExclusive", holdersOf: "AccessExclusive", snapshots: true },
  reindex: { level: "ShareUpdateExclusive", holdersOf: "AccessExclusive", snapshots: true },
  "drop-index": { level: "ShareUpdateExclusive", holdersOf: "AccessExclusive", snapshots: false },
  vacuum: { level: "ShareUpdateExclusive", holdersOf: undefined, snapshots: false },
  "vacuum-full": { level: "AccessExclusive", holdersOf: undefined, snapshots: false },
  analyze: { level: "ShareUpdateExclusive", holdersOf: undefined, snapshots: false }
}

/** Kinds whose failure may leave an invalid index. */
export const leavesIndex = (kind: StepKind): boolean =>
  kind === "create-index" || kind === "rebuild-index" || kind === "reindex" || kind === "drop-index"
