/** What can happen next, and what it depends on. */
import type { Author } from "./ModelDatabase.ts"
import type { Key } from "./Scenario.ts"

/** What steps read and change. */
export type Resource =
  | "clock"
  /** Generations and fences. */
  | "tables"
  /** The cached answer to a query, its flights, and those who wait for them. */
  | Key
  | "feed"
  /** What was acknowledged by others. */
  | "acknowledged"
  /** What reads have returned. */
  | "returned"
  /** Which transactions have ids, and what the change log holds. */
  | "log"
  /** Whether somebody's transaction is visible. */
  | Author

export interface Footprint {
  /** Names it among the steps that are possible at the same time, and to who reads the schedule. */
  readonly label: string
  readonly reads: ReadonlyArray<Resource>
  readonly writes: ReadonlyArray<Resource>
}

export interface Step extends Footprint {
  /** Depends on nothing that can still happen: there is no need to try it later. */
  readonly isAlone?: boolean
  readonly run: () => void
}

const disturbs = (one: Footprint, other: Footprint): boolean =>
  one.writes.some((thing) => other.writes.includes(thing) || other.reads.includes(thing))

/** Whether it matters which of the two comes first. */
export const areDependent = (one: Footprint, other: Footprint): boolean => disturbs(one, other) || disturbs(other, one)
