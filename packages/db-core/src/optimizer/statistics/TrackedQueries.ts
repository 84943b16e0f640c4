/**
 * The fingerprints that are told apart, in bounded memory; what the others counted is in one entry for all of them, so
 * nothing is missing in a list.
 *
 * When there is no room for a new one, the twentieth of them with the lowest usage is forgotten: usage is one for each
 * call, and one percent less each time that room is made. So a flood of fingerprints that come once drives out its own,
 * the oldest first, and a query that was busy last week does not stay for ever. Source: `entry_dealloc` of
 * pg_stat_statements, which drops the counts as well; here they are kept.
 */
import type { Fingerprint } from "../../telemetry/Fingerprint.ts"
import { OperationDuration, type OperationDurations } from "../../telemetry/OperationDuration.ts"
import { type CacheCounter, QueryEntry } from "./QueryEntry.ts"
import type { Tally } from "./Tally.ts"
import { type Window, Windows } from "./Windows.ts"

const decay = 0.99
const forgottenShare = 0.05

/** Counters that the cache may still add to although their query was forgotten. */
const mostOrphans = 4096

/** The id of those that are not told apart. */
export const otherId = "other"

const otherFingerprint: Fingerprint = {
  id: otherId,
  text: "queries that are not told apart",
  operation: undefined,
  summary: otherId,
  tables: []
}

const counter = (): CacheCounter => ({ hits: 0, misses: 0, bypasses: 0 })

/** A counter without its query, and what of it was counted. */
interface Orphan {
  readonly cache: CacheCounter
  readonly settled: CacheCounter
}

export class TrackedQueries {
  private readonly most: number
  private readonly durations: OperationDurations
  private entries = new Map<string, QueryEntry>()
  private readonly orphans = new Map<string, Orphan>()
  private others: QueryEntry
  private total: Windows
  /** Forgotten since start or reset. */
  forgotten = 0

  constructor(most: number, durations: OperationDurations, now: number) {
    this.most = most
    this.durations = durations
    this.total = new Windows(now)
    this.others = this.makeOthers(now)
  }

  /** That of `fingerprint`, made if there is none. */
  entry(fingerprint: Fingerprint, now: number): QueryEntry {
    const known = this.entries.get(fingerprint.id)
    if (known !== undefined) return known
    if (this.entries.size >= this.most) this.makeRoom(now)
    const orphan = this.orphans.get(fingerprint.id)
    this.orphans.delete(fingerprint.id)
    const succeeded = this.durations.of(fingerprint.operation, undefined)
    const cache = orphan?.cache ?? counter()
    const made = new QueryEntry(fingerprint, succeeded, cache, orphan?.settled ?? { ...cache }, this.total, now)
    this.entries.set(fingerprint.id, made)
    return made
  }

  get(id: string): QueryEntry | undefined {
    return id === otherId ? this.others : this.entries.get(id)
  }

  /** All of them together: counted apart, since adding up thousands of histograms would hold up everybody. */
  sum(window: Window, now: number): Tally {
    for (const entry of this.entries.values()) entry.settle(now)
    return this.total.read(window, now)
  }

  get size(): number {
    return this.entries.size
  }

  /** All of them, and last the one for those that were forgotten. */
  *all(): Generator<QueryEntry> {
    yield* this.entries.values()
    yield this.others
  }

  reset(now: number): void {
    // What the cache counted until now is gone, and it goes on counting.
    for (const entry of this.entries.values()) {
      entry.settle(now)
      this.orphan(entry, now)
    }
    this.entries = new Map()
    this.total = new Windows(now)
    this.others = this.makeOthers(now)
    this.forgotten = 0
  }

  private makeOthers(now: number): QueryEntry {
    return new QueryEntry(otherFingerprint, new OperationDuration(), counter(), counter(), this.total, now)
  }

  private makeRoom(now: number): void {
    for (const entry of this.entries.values()) {
      entry.settle(now)
      entry.usage *= decay
    }
    const leaving = [...this.entries.values()].toSorted((a, b) => a.usage - b.usage)
      .slice(0, Math.max(1, Math.floor(this.most * forgottenShare)))
    for (const entry of leaving) {
      this.others.absorb(entry, now)
      this.orphan(entry, now)
      this.entries.delete(entry.fingerprint.id)
      this.forgotten++
    }
  }

  private orphan(entry: QueryEntry, now: number): void {
    entry.forget(now)
    if (!entry.isCached) return
    this.orphans.set(entry.fingerprint.id, { cache: entry.cache, settled: { ...entry.cache } })
    if (this.orphans.size <= mostOrphans) return
    for (const oldest of this.orphans.keys()) return void this.orphans.delete(oldest)
  }
}
