/** How reads through the cache were answered. Since start. */
import type { Bypass } from "./Analysis.ts"

export class Counters {
  /** From memory, without asking anybody. */
  hits = 0
  /** From memory, after a poll said that it is still good. */
  revalidated = 0
  /** With another reader's query that was under way, or about to be. */
  joined = 0
  /** From another process, through the second level. */
  shared = 0
  /** Queries that were sent to fill the cache. */
  misses = 0
  /** What the queries took whose answers were given from memory. Milliseconds. */
  savedMs = 0
  private readonly bypassed = new Map<Bypass, number>()

  bypass(why: Bypass): void {
    this.bypassed.set(why, (this.bypassed.get(why) ?? 0) + 1)
  }

  /** Reads that went past the cache, by reason. */
  get bypasses(): Readonly<Partial<Record<Bypass, number>>> {
    return Object.fromEntries(this.bypassed)
  }
}
