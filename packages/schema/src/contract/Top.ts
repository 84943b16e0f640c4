/**
 * `GET /api/db/top` and `emsdb top --json`: the server and who works in it at one instant, and what happened since the
 * one before. The API keeps no instant before: whoever asks again has the rates from two answers' `counters`.
 */
import * as Schema from "effect/Schema"
import { Health } from "./Health.ts"
import { Count, ElapsedMs, IsoInstant, Milliseconds, Share, Text } from "./Scalars.ts"
import { unavailableParts } from "./Unavailable.ts"

/** A second; null in the first sample, and after a restart or a reset of the statistics between two. */
const Rate = Schema.NullOr(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)))

/** Null where the role that asks may not see it. */
const HiddenText = Schema.NullOr(Schema.String)

export const TopSession = Schema.Struct({
  pid: Count,
  backendType: HiddenText,
  database: Schema.NullOr(Schema.String),
  user: Schema.NullOr(Schema.String),
  application: Schema.String,
  state: HiddenText,
  waitEventType: HiddenText,
  waitEvent: HiddenText,
  /** Since the statement that runs began; null when none runs. */
  queryMs: Schema.NullOr(ElapsedMs),
  transactionMs: Schema.NullOr(ElapsedMs),
  /** Parallel workers that work for it. */
  workers: Count,
  /** For whose locks it waits, as Postgres says it; 0 for prepared transactions. */
  blockedBy: Schema.Array(Count),
  /** Without literals. */
  query: HiddenText
})

export const TopRoot = Schema.Struct({
  /** 0 for prepared transactions. */
  pid: Count,
  user: Schema.NullOr(Schema.String),
  application: Schema.NullOr(Schema.String),
  state: HiddenText,
  transactionMs: Schema.NullOr(ElapsedMs),
  /** Who waits for it directly or not, each counted once. */
  victims: Count,
  /** Of all of them the longest; null for a moment after they began. */
  longestWaitMs: Schema.NullOr(ElapsedMs),
  /** Who waits for it directly, the longest first; the first 20. */
  waiters: Schema.Array(Count)
})

export const Top = Schema.Struct({
  /** By the server's clock. */
  timestamp: IsoInstant,
  server: Schema.Struct({
    database: Text,
    /** As `server_version_num`: 180004 is 18.4. */
    version: Count,
    /** It replays another server's log, and can only be read. */
    isStandby: Schema.Boolean,
    startedAt: IsoInstant,
    uptimeMs: ElapsedMs
  }),
  /** Everything in the database, as it was within the last minute; null when that could not be asked for. */
  databaseBytes: Schema.NullOr(Count),
  /** Of the database, between the sample before and this one; the log is the whole server's. */
  rates: Schema.Struct({
    /** By the server's clock; null without a sample to compare with. */
    overMs: Schema.NullOr(Milliseconds),
    /** Committed and rolled back; one for each sample is the view's own. */
    transactions: Rate,
    rollbacks: Rate,
    /** By sequential scans and as entries of indexes: `tup_returned`. */
    rowsRead: Rate,
    /** Inserted, updated and deleted. */
    rowsWritten: Rate,
    /** Share of the blocks that were in `shared_buffers`; null also when none was read. */
    cacheHitRatio: Schema.NullOr(Share),
    /** Written to files by sorts and joins that did not fit into memory. */
    temporaryBytes: Rate,
    /** Of a standby: replayed. */
    walBytes: Rate
  }),
  /** What the rates are made of, since the statistics began. */
  counters: Schema.Struct({
    /** By the server's clock, since the epoch. */
    atMs: Schema.Finite,
    /** When they began; null when nobody noted it. Another one than before: they began anew. */
    since: Schema.NullOr(IsoInstant),
    commits: Schema.Finite,
    rollbacks: Schema.Finite,
    rowsRead: Schema.Finite,
    rowsInserted: Schema.Finite,
    rowsUpdated: Schema.Finite,
    rowsDeleted: Schema.Finite,
    blocksHit: Schema.Finite,
    blocksRead: Schema.Finite,
    temporaryBytes: Schema.Finite,
    /** Where the log of the whole server ends; of a standby, how far it is replayed. Null without either. */
    walBytes: Schema.NullOr(Schema.Finite)
  }),
  /** Of clients; null on an embedded database. */
  connections: Schema.NullOr(Schema.Struct({
    used: Count,
    /** For ordinary roles: `max_connections` without what is reserved. */
    limit: Count,
    reserved: Count,
    /** Until ordinary roles are refused. */
    left: Count,
    /** Without the view's own, the most first; state null for those that the role that asks may not see. */
    states: Schema.Array(Schema.Struct({ state: Schema.NullOr(Schema.String), count: Count }))
  })),
  /** What sessions at work wait for, the most first; at most 20. */
  waits: Schema.Array(Schema.Struct({ type: Text, event: Text, count: Count })),
  blocking: Schema.Struct({
    /** Those that wait for nobody themselves, the most victims first; the first 20. */
    roots: Schema.Array(TopRoot),
    total: Count,
    /** Deadlocks that Postgres has not found yet: process ids in the order in which each waits for the next. */
    cycles: Schema.Array(Schema.Array(Count))
  }),
  /** At work, in a transaction, or waiting for a lock; the longest transaction first. */
  sessions: Schema.Struct({
    /** The first 200. */
    items: Schema.Array(TopSession),
    total: Count
  }),
  /** Of the API that was asked; null when the database itself was. */
  pool: Schema.NullOr(Health.fields.performance.fields.pool),
  unavailableParts: unavailableParts(["databaseBytes", "connections", "waits", "blocking", "sessions"]),
  /** What limits the rest. */
  notes: Schema.Array(Text)
})
export type Top = typeof Top.Type

/** Without an instant before. */
export const noRates: Top["rates"] = {
  overMs: null,
  transactions: null,
  rollbacks: null,
  rowsRead: null,
  rowsWritten: null,
  cacheHitRatio: null,
  temporaryBytes: null,
  walBytes: null
}
