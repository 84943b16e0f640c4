/**
 * The numeric settings: environment variable, default, bounds, unit and meaning of each. `docs/settings.md` is held
 * against this table.
 */

/** A whole number with bounds. */
export interface Setting {
  readonly env: string
  readonly default: number
  readonly min: number
  readonly max: number
  readonly unit: string
  readonly doc: string
}

export const settings = {
  poolMax: {
    env: "EMS_POOL_MAX",
    default: 10,
    min: 1,
    max: 1000,
    unit: "connections",
    doc: "Connections at the server, at most."
  },
  poolSharedDepth: {
    env: "EMS_POOL_SHARED_DEPTH",
    default: 16,
    min: 1,
    max: 128,
    unit: "statements",
    doc: "Reads on one shared connection before another connection is opened."
  },
  poolIdleTimeout: {
    env: "EMS_POOL_IDLE_TIMEOUT_MS",
    default: 30_000,
    min: 100,
    max: 86_400_000,
    unit: "ms",
    doc: "An unused connection is closed after this time."
  },
  poolMaxLifetime: {
    env: "EMS_POOL_MAX_LIFETIME_MS",
    default: 1_800_000,
    min: 1000,
    max: 86_400_000,
    unit: "ms",
    doc: "A connection is replaced at this age, less up to 10 % chosen at random."
  },
  poolMaxUses: {
    env: "EMS_POOL_MAX_USES",
    default: 7500,
    min: 1,
    max: 1_000_000_000,
    unit: "uses",
    doc: "A connection is replaced after so many statements or transactions."
  },
  poolMaxWaiting: {
    env: "EMS_POOL_MAX_WAITING",
    default: 1000,
    min: 0,
    max: 1_000_000,
    unit: "callers",
    doc: "Callers that may wait for a connection; the next one fails with PoolQueueFull."
  },
  acquireTimeout: {
    env: "EMS_POOL_ACQUIRE_TIMEOUT_MS",
    default: 10_000,
    min: 1,
    max: 600_000,
    unit: "ms",
    doc: "Wait for a free connection, at most; then PoolTimeout."
  },
  poolLeakAfter: {
    env: "EMS_POOL_LEAK_AFTER_MS",
    default: 60_000,
    min: 100,
    max: 86_400_000,
    unit: "ms",
    doc: "A connection held alone for longer is reported as leaked, with its holder."
  },
  drainTimeout: {
    env: "EMS_DRAIN_TIMEOUT_MS",
    default: 10_000,
    min: 0,
    max: 600_000,
    unit: "ms",
    doc: "A closing pool lets work in flight finish for so long; then it is cancelled."
  },
  connectTimeout: {
    env: "EMS_CONNECT_TIMEOUT_MS",
    default: 10_000,
    min: 1,
    max: 600_000,
    unit: "ms",
    doc: "Opening a connection, authentication included, at most."
  },
  queryTimeout: {
    env: "EMS_QUERY_TIMEOUT_MS",
    default: 15_000,
    min: 1,
    max: 86_400_000,
    unit: "ms",
    doc:
      "A call is back within this time, waiting, connecting and retries included; the server's statement_timeout too."
  },
  commitResolveTimeout: {
    env: "EMS_COMMIT_RESOLVE_TIMEOUT_MS",
    default: 10_000,
    min: 1,
    max: 600_000,
    unit: "ms",
    doc: "Asking what became of a COMMIT whose answer was lost, at most; then CommitUnknown."
  },
  streamBatch: {
    env: "EMS_STREAM_BATCH",
    default: 256,
    min: 1,
    max: 100_000,
    unit: "rows",
    doc: "Rows fetched at a time by Database.stream."
  },
  slowQuery: {
    env: "EMS_SLOW_QUERY_MS",
    default: 1000,
    min: 0,
    max: 3_600_000,
    unit: "ms",
    doc: "A statement at least this long is logged as slow."
  },
  slowQueriesKept: {
    env: "EMS_SLOW_QUERIES_KEPT",
    default: 100,
    min: 1,
    max: 10_000,
    unit: "statements",
    doc: "Slow statements that can be looked at later; the oldest make room."
  },
  slowQueryPlans: {
    env: "EMS_SLOW_QUERY_PLANS",
    default: 0,
    min: 0,
    max: 600,
    unit: "a minute",
    doc: "Plans of slow reads asked for with EXPLAIN (never ANALYZE), at most; 0 asks for none."
  },
  statisticsMax: {
    env: "EMS_STATISTICS_MAX",
    default: 5000,
    min: 100,
    max: 100_000,
    unit: "queries",
    doc: "Queries that statistics tell apart; the least used are counted together."
  },
  cacheMaxEntries: {
    env: "EMS_CACHE_MAX_ENTRIES",
    default: 100,
    min: 1,
    max: 1_000_000,
    unit: "answers",
    doc: "Answers kept by the query cache; those used longest ago go first."
  },
  cacheMaxBytes: {
    env: "EMS_CACHE_MAX_BYTES",
    default: 67_108_864,
    min: 1024,
    max: 68_719_476_736,
    unit: "bytes",
    doc: "Memory for cached answers, about."
  },
  cacheMaxEntryBytes: {
    env: "EMS_CACHE_MAX_ENTRY_BYTES",
    default: 1_048_576,
    min: 1024,
    max: 1_073_741_824,
    unit: "bytes",
    doc: "A larger answer is not cached."
  },
  cacheTtl: {
    env: "EMS_CACHE_TTL_MS",
    default: 300_000,
    min: 1,
    max: 86_400_000,
    unit: "ms",
    doc: "A cached answer is forgotten at this age, however good it still is."
  },
  cacheStaleness: {
    env: "EMS_CACHE_STALENESS_MS",
    default: 500,
    min: 50,
    max: 60_000,
    unit: "ms",
    doc: "A cached answer has every commit that anybody was told of this long before the read."
  },
  cachePollInterval: {
    env: "EMS_CACHE_POLL_INTERVAL_MS",
    default: 150,
    min: 10,
    max: 60_000,
    unit: "ms",
    doc: "The change log is read this often while somebody reads through the cache."
  },
  cacheIdleAfter: {
    env: "EMS_CACHE_IDLE_AFTER_MS",
    default: 5000,
    min: 100,
    max: 3_600_000,
    unit: "ms",
    doc: "Nothing is read of the change log when nobody read through the cache for this time: a compute may suspend."
  },
  healthInterval: {
    env: "EMS_HEALTH_INTERVAL_MS",
    default: 30_000,
    min: 100,
    max: 3_600_000,
    unit: "ms",
    doc: "A health answer is at most this old while there is traffic."
  }
} as const satisfies Readonly<Record<string, Setting>>
