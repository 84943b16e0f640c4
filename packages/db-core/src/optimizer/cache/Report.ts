/** What is known of the query cache, as plain data. */
import type { DbConfigShape } from "../../config/DbConfig.ts"
import { statementOf } from "../../telemetry/Fingerprint.ts"
import type { Bypass } from "./Analysis.ts"
import type { Entries } from "./Entry.ts"
import type { Feed, FeedState } from "./Feed.ts"
import type { L2Report } from "./level2/L2Report.ts"
import type { QueryCache } from "./QueryCache.ts"
import type { Registry, Usage } from "./Registry.ts"

export interface CacheSnapshot {
  readonly enabled: boolean
  /** What an answer is worth now. `ttl`: nothing but its age is bounded. `none`: every read goes to the database. */
  readonly guarantee: "bounded" | "ttl" | "none"
  /** Milliseconds; `null` with `ttl`. */
  readonly stalenessMs: number | null
  readonly hits: number
  readonly revalidated: number
  readonly joined: number
  /** Answers of other processes, through the second level. */
  readonly shared: number
  readonly misses: number
  readonly bypasses: Readonly<Partial<Record<Bypass, number>>>
  /** Answers from memory among all answers; `null` before the first. */
  readonly hitRatio: number | null
  /** What the queries took whose answers were given from memory. Milliseconds. */
  readonly savedMs: number
  readonly entries: number
  readonly bytes: number
  /** Answers that were not kept because of their size. */
  readonly tooLarge: number
  readonly maxEntries: number
  readonly maxBytes: number
  /** Queries that are known now, and why those that are never cached are not. */
  readonly queries: ReadonlyArray<QueryReport>
  /** Answers shared with other processes; `null` without `DbConfig.redisUrl`. */
  readonly level2: L2Report | null
  readonly feed: null | {
    readonly state: FeedState
    /** Until then answers can be relied on without asking. Milliseconds. */
    readonly leaseMs: number
    readonly polls: number
    readonly failures: number
    readonly roundTripMs: number
  }
}

export interface QueryReport {
  /** Without literals. */
  readonly text: string
  /** As `schema.name`; empty for one that is not cached. */
  readonly tables: ReadonlyArray<string>
  readonly bypass: Bypass | null
  readonly hits: number
  readonly revalidated: number
  /** Answered by another reader's query. */
  readonly joined: number
  /** Answered by another process, through the second level. */
  readonly shared: number
  readonly misses: number
  readonly bypassed: number
  /** Answers from memory among all answers; `null` before the first. */
  readonly hitRatio: number | null
  readonly bytes: number
  readonly savedMs: number
}

const ratio = (some: number, all: number): number | null => all === 0 ? null : some / all

const answersOf = ({ bypassed, hits, joined, misses, revalidated, shared }: Usage): number =>
  hits + revalidated + joined + shared + misses + bypassed

const queriesOf = (entries: Entries, registry: Registry): ReadonlyArray<QueryReport> => {
  const sizes = entries.bytesOf()
  // Writes are learned, too, and nobody reads through the cache with them.
  const read = registry.all.filter(({ usage }) => answersOf(usage) > 0)
  return read.map(({ bypass, names, sql, usage }) => {
    const { bypassed, hits, joined, misses, revalidated, savedMs, shared } = usage
    return {
      text: statementOf(sql).fingerprint.text,
      tables: names,
      bypass: bypass ?? null,
      hits,
      revalidated,
      joined,
      shared,
      misses,
      bypassed,
      hitRatio: ratio(hits + revalidated + shared, answersOf(usage)),
      bytes: sizes.get(usage) ?? 0,
      savedMs
    }
  }).toSorted((a, b) => b.savedMs - a.savedMs)
}

/** Asleep it is asked when somebody reads; away its last answer may still be good. */
const isVouching = ({ leaseMs, state }: Feed): boolean => state === "live" || state === "asleep" || leaseMs > 0

export const snapshotOf = (
  cache: QueryCache,
  entries: Entries,
  registry: Registry,
  feed: Feed | undefined,
  config: Pick<DbConfigShape, "cacheStaleness">,
  level2: L2Report | null
): CacheSnapshot => {
  const { bypasses, hits, joined, misses, revalidated, savedMs, shared } = cache.counters
  const past = Object.values(bypasses).reduce((sum, count) => sum + count, 0)
  const answers = hits + revalidated + shared + misses + joined + past
  return {
    enabled: cache.isEnabled,
    guarantee: !cache.isEnabled ? "none" : feed === undefined ? "ttl" : isVouching(feed) ? "bounded" : "none",
    stalenessMs: feed === undefined ? null : config.cacheStaleness,
    hits,
    revalidated,
    joined,
    shared,
    misses,
    bypasses,
    hitRatio: ratio(hits + revalidated + shared, answers),
    savedMs,
    entries: entries.count,
    bytes: entries.bytes,
    tooLarge: entries.tooLarge,
    maxEntries: entries.bounds.maxEntries,
    maxBytes: entries.bounds.maxBytes,
    queries: queriesOf(entries, registry),
    level2,
    feed: feed === undefined ? null : {
      state: feed.state,
      leaseMs: feed.leaseMs,
      polls: feed.polls,
      failures: feed.failures,
      roundTripMs: feed.roundTripMs
    }
  }
}
