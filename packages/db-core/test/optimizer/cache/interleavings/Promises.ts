/**
 * What the cache promises its readers, checked on a history of what was acknowledged, asked and answered.
 *
 * - `dirty`: an answer holds nothing that was not committed.
 * - `own write`: it holds every write that this process acknowledged before the read.
 * - `staleness`: it holds every commit that anybody acknowledged more than L before the read; with `strong`, L is 0.
 * - `causal`: with `after`, it holds that transaction.
 * - `backwards`: once a read has returned a write of this process, later ones return it as well.
 * - `unanswered`: every read ends.
 */
import type { Author } from "./ModelDatabase.ts"

export type Promised = "dirty" | "own write" | "staleness" | "causal" | "backwards" | "unanswered"

export type Level = "bounded" | "strong" | "after"

export interface Violation {
  readonly promise: Promised
  readonly text: string
}

/** What a read must return, and why. */
export type Expected = ReadonlyMap<Author, Promised>

export class Promises {
  private readonly staleness: number
  private readonly acknowledged = new Map<Author, number>()
  private readonly committed = new Set<Author>()
  /** Writes of this process that a read has returned. */
  private readonly returned = new Set<Author>()
  /** The writer was told that nobody knows before it committed: from then on it is like anybody else's. */
  private isGivenUp = false
  private readonly only: Promised | undefined
  private readonly answered = new Map<string, string>()
  violation: Violation | undefined

  /** `staleness` in milliseconds. With `only` nothing is said of the other promises. */
  constructor(staleness: number, only: Promised | undefined) {
    this.staleness = staleness
    this.only = only
  }

  /** What each reader returned. */
  get outcome(): string {
    return [...this.answered].map(([reader, seen]) => `${reader}: ${seen}`).toSorted().join("; ")
  }

  commits(author: Author): void {
    this.committed.add(author)
  }

  givesUp(): void {
    this.isGivenUp = !this.committed.has("writer")
  }

  acknowledges(author: Author, at: number): void {
    this.acknowledged.set(author, at)
  }

  hasAcknowledged(author: Author): boolean {
    return this.acknowledged.has(author)
  }

  asks(level: Level, at: number): Expected {
    const expected = new Map<Author, Promised>()
    for (const author of this.returned) expected.set(author, "backwards")
    for (const [author, acknowledgedAt] of this.acknowledged) {
      if (author === "writer") expected.set(author, "own write")
      else if (level === "after") expected.set(author, "causal")
      else if (level === "strong" || acknowledgedAt < at - this.staleness) expected.set(author, "staleness")
    }
    return expected
  }

  answers(reader: string, seen: ReadonlyArray<Author>, expected: Expected): void {
    this.answered.set(reader, seen.join(" and "))
    for (const author of seen) {
      if (!this.committed.has(author)) {
        this.broken("dirty", `${reader} returned what the ${author} had not committed`)
      }
    }
    for (const [author, promise] of expected) {
      if (!seen.includes(author)) this.broken(promise, `${reader} returned no write of the ${author}`)
    }
    if (seen.includes("writer") && !this.isGivenUp) this.returned.add("writer")
  }

  broken(promise: Promised, text: string): void {
    if (this.only === undefined || this.only === promise) this.violation ??= { promise, text }
  }
}
