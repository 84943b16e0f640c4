/** Who takes part in a schedule, and what is true before it. */
import type { Level } from "./Promises.ts"

/** Of two queries on the same table. */
export type Key = "A" | "B"

export interface ReaderPlan {
  readonly key: Key
  readonly level: Level
}

export interface Scenario {
  /**
   * `cold`: nothing was asked yet. `ready`: the feed has polled, statements are learned. Keys: these answers are in the
   * cache as well.
   */
  readonly start: "cold" | "ready" | ReadonlyArray<Key>
  readonly readers: ReadonlyArray<ReaderPlan>
  /**
   * `statement`: alone. `transaction`: reads its own write through the cache before COMMIT. `rollback`: the same, and
   * then it rolls back. `unanswered`: as `transaction`, and it is never told what became of its COMMIT.
   */
  readonly writer?: "statement" | "transaction" | "rollback" | "unanswered"
  /** `running`: its transaction was under way when the feed first polled. `late`: it gets its id when it commits. */
  readonly outsider?: "running" | "late"
  /** The clock goes on by these, in milliseconds. */
  readonly pauses?: ReadonlyArray<number>
  /** Polls of the feed's own, besides those that readers ask for. */
  readonly polls?: number
  /** Polls that may fail. */
  readonly failures?: number
  /** The change log may be lost, once. */
  readonly losesLog?: boolean
  /** Readers that may give up. */
  readonly interrupts?: number
}

/** L. Milliseconds. */
export const staleness = 500
