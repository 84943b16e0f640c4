/** `GET /api/db/cache` and `emsdb cache doctor --json`: what is answered from memory, what is not and why. */
import * as Schema from "effect/Schema"
import { Count, IsoInstant, Milliseconds, QualifiedNames, Text } from "./Scalars.ts"

/** Why an answer is not taken from the cache. */
export const CacheBypass = Schema.Literals([
  "transaction",
  "disabled",
  "feed",
  "ttl_required",
  "consistency",
  "undecided",
  "no_table",
  "writes",
  "untracked",
  "relation",
  "catalog",
  "row_security",
  "volatile",
  "session",
  "user_function",
  "ambiguous",
  "parameters",
  "opaque"
])

/** From 0 to 1. */
const Ratio = Schema.NullOr(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })))

/**
 * `bounded`: an answer has every commit that anybody was told of `stalenessMs` before the read, and every write of this
 * process. `ttl`: nothing but its age is bounded. `none`: every read goes to the database.
 */
const Guarantee = Schema.Literals(["bounded", "ttl", "none"])

export const CacheTable = Schema.Struct({
  /** As `schema.name`. */
  name: Text,
  /** Why no answer from it is cached; null when answers are. */
  bypass: Schema.NullOr(CacheBypass)
})

export const Cache = Schema.Struct({
  enabled: Schema.Boolean,
  guarantee: Guarantee,
  stalenessMs: Schema.NullOr(Milliseconds),
  /** Reads since start. */
  reads: Schema.Struct({
    /** Answered from memory without asking anybody. */
    hits: Count,
    /** Answered from memory after the change log said that the answer is still good. */
    revalidated: Count,
    /** Answered by another reader's query. */
    joined: Count,
    /** Answered by another process through Redis. */
    shared: Count,
    /** Queries that were run to fill the cache. */
    misses: Count,
    /** Reads that went past the cache, by reason. */
    bypasses: Schema.Record(Schema.String, Count)
  }),
  hitRatio: Ratio,
  /** Time of the queries that did not have to be run. */
  savedMs: Milliseconds,
  memory: Schema.Struct({ entries: Count, maxEntries: Count, bytes: Count, maxBytes: Count, tooLarge: Count }),
  /** What tells the cache of writes; null where nothing does. */
  feed: Schema.NullOr(Schema.Struct({
    /** `asleep`: nobody reads. `away`: it does not answer. `absent`: there is no change log. */
    state: Schema.Literals(["asleep", "live", "away", "absent"]),
    leaseMs: Milliseconds,
    polls: Count,
    failures: Count,
    roundTripMs: Milliseconds
  })),
  /** Answers that processes share through Redis; null without one. */
  level2: Schema.NullOr(Schema.Struct({
    /** `open`: it failed, and is not asked for a while. */
    state: Schema.Literals(["connecting", "ready", "open"]),
    hits: Count,
    misses: Count,
    /** Answers that were there and could not be used, by reason. */
    rejected: Schema.Record(Schema.String, Count),
    /** Reads for which it was not asked, by reason. */
    skipped: Schema.Record(Schema.String, Count),
    /** Questions and puts that failed, by reason. */
    errors: Schema.Record(Schema.String, Count),
    /** Readers that waited for another process's query. */
    waits: Count,
    puts: Count,
    /** Answers not put there: too many at once, and too large. */
    dropped: Count,
    tooLarge: Count,
    bytesRead: Count,
    bytesWritten: Count
  })),
  queries: Schema.Array(Schema.Struct({
    /** Without literals. */
    text: Schema.String,
    tables: QualifiedNames,
    bypass: Schema.NullOr(CacheBypass),
    hits: Count,
    revalidated: Count,
    /** Answered by another reader's query. */
    joined: Count,
    /** Answered by another process through Redis. */
    shared: Count,
    misses: Count,
    bypassed: Count,
    hitRatio: Ratio,
    bytes: Count,
    savedMs: Milliseconds
  })),
  tables: Schema.Array(CacheTable)
})
export type Cache = typeof Cache.Type

export const CacheDiagnosis = Schema.Struct({
  guarantee: Guarantee,
  stalenessMs: Schema.NullOr(Milliseconds),
  log: Schema.NullOr(Schema.Struct({
    bytes: Count,
    rows: Count,
    /** When it was last emptied of what everybody has seen. */
    sweptAt: Schema.NullOr(IsoInstant),
    /** Changed definitions are noted in it; else they are found within a second. */
    definitions: Schema.Boolean
  })),
  tables: Schema.Array(CacheTable),
  /** What would become of the query that was asked about. */
  query: Schema.NullOr(Schema.Struct({ tables: QualifiedNames, bypass: Schema.NullOr(CacheBypass) })),
  /** What to do, the most important first. */
  advice: Schema.Array(Text)
})
export type CacheDiagnosis = typeof CacheDiagnosis.Type
