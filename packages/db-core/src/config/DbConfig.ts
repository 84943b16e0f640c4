/**
 * Every setting of the data layer, once: its environment variable, default, bounds and unit.
 *
 * There is one constructor, so defaults have one home. A missing `DATABASE_URL` is an error: choosing a throw-away
 * database silently would lose data in production.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { DbConfigError } from "./DbConfigError.ts"
import * as DbUrl from "./DbUrl.ts"

/** A whole number with bounds. */
interface Setting {
  readonly env: string
  readonly default: number
  readonly min: number
  readonly max: number
  readonly unit: string
  readonly doc: string
}

/** The numeric settings; the documentation page is written from this table. */
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

type Numbers = { readonly [Key in keyof typeof settings]: number }

/** The checked settings. */
export interface DbConfigShape extends Numbers {
  readonly target: DbUrl.Target
  /** Where sessions of their own are opened: `target` without its pooler. `undefined` when nobody knows. */
  readonly direct: DbUrl.Target | undefined
  /** Shown in `pg_stat_activity.application_name`; at most 63 bytes. */
  readonly applicationName: string
  /** `host:port/path` of the WebSocket proxy for the neon transport; the endpoint's own `/v2` when absent. */
  readonly neonProxy: string | undefined
  /** What tells the query cache of writes: the change log, or nothing, in which case only the time bounds an answer. */
  readonly cacheFeed: CacheFeed
  /** The Redis or Valkey that processes share cached answers through; none when `undefined`. */
  readonly redisUrl: Redacted.Redacted | undefined
}

export type CacheFeed = "log" | "none"

const cacheFeeds: ReadonlyArray<string> = ["log", "none"] satisfies ReadonlyArray<CacheFeed>

/** What `make` accepts: everything but the URL has a default. */
export type Input =
  & {
    readonly url: Redacted.Redacted | string
    /** The same database without the pooler; derived from Neon's `-pooler` hosts when absent. */
    readonly directUrl?: Redacted.Redacted | string | undefined
    readonly transport?: DbUrl.TransportKind | "auto" | undefined
    readonly applicationName?: string | undefined
    readonly neonProxy?: string | undefined
    readonly cacheFeed?: CacheFeed | undefined
    readonly redisUrl?: Redacted.Redacted | string | undefined
  }
  & { readonly [Key in keyof Numbers]?: number | undefined }

const redact = (url: Redacted.Redacted | string): Redacted.Redacted =>
  typeof url === "string" ? Redacted.make(url) : url

const directOf = (
  target: DbUrl.Target,
  { directUrl, transport }: Input
): Result.Result<DbUrl.Target | undefined, DbConfigError> => {
  if (directUrl === undefined) {
    if (!target.pooled) return Result.succeed(target)
    const { directHost } = target
    return Result.succeed(directHost === undefined ? undefined : { ...target, host: directHost, pooled: false })
  }
  const parsed = Result.mapError(
    DbUrl.parse(redact(directUrl), transport ?? "auto"),
    ({ expected, value }) => new DbConfigError({ key: "EMS_DIRECT_URL", value, expected })
  )
  return Result.flatMap(parsed, (direct) =>
    direct.pooled
      ? Result.fail(
        new DbConfigError({
          key: "EMS_DIRECT_URL",
          value: "<a pooler>",
          expected: "the server itself, without -pooler"
        })
      )
      : Result.succeed(direct))
}

/** As written: `redis:` is in clear, `rediss:` is TLS, always verified. */
const redisOf = (
  url: Redacted.Redacted | string | undefined
): Result.Result<Redacted.Redacted | undefined, DbConfigError> => {
  if (url === undefined) return Result.succeed(undefined)
  const redacted = redact(url)
  const refused = (value: string) =>
    new DbConfigError({
      key: "REDIS_URL",
      value,
      expected: "redis://user:password@host:6379/0, or rediss: with TLS"
    })
  return Result.flatMap(
    Result.try({ try: () => new URL(Redacted.value(redacted)), catch: () => refused("<not a URL>") }),
    ({ hostname, password, pathname, protocol, username }) => {
      if (protocol !== "redis:" && protocol !== "rediss:") return Result.fail(refused(protocol))
      if (hostname === "") return Result.fail(refused("<no host>"))
      if (!/^\/?\d*$/.test(pathname)) return Result.fail(refused("<a path that is no number>"))
      return Result.mapBoth(Result.try(() => [username, password].map(decodeURIComponent)), {
        onFailure: () => refused("<not shown>"),
        onSuccess: () => redacted
      })
    }
  )
}

const number = (setting: Setting, value: number | undefined): Result.Result<number, DbConfigError> => {
  if (value === undefined) return Result.succeed(setting.default)
  if (Number.isInteger(value) && value >= setting.min && value <= setting.max) return Result.succeed(value)
  return Result.fail(
    new DbConfigError({
      key: setting.env,
      value: String(value),
      expected: `a whole number of ${setting.unit} from ${setting.min} to ${setting.max}`
    })
  )
}

/** The only constructor: checks every key. */
export const make = (input: Input): Result.Result<DbConfigShape, DbConfigError> =>
  Result.gen(function*() {
    const target = yield* DbUrl.parse(redact(input.url), input.transport ?? "auto")
    const direct = yield* directOf(target, input)
    const redisUrl = yield* redisOf(input.redisUrl)
    const numbers: Record<string, number> = {}
    for (const key of Object.keys(settings) as Array<keyof typeof settings>) {
      numbers[key] = yield* number(settings[key], input[key])
    }
    const applicationName = input.applicationName ?? "ems"
    if (applicationName === "" || new TextEncoder().encode(applicationName).length > 63) {
      return yield* Result.fail(
        new DbConfigError({ key: "EMS_APPLICATION_NAME", value: applicationName, expected: "1 to 63 bytes" })
      )
    }
    // Every key of `settings` was assigned above.
    return {
      ...(numbers as unknown as Numbers),
      target,
      direct,
      applicationName,
      neonProxy: input.neonProxy,
      cacheFeed: input.cacheFeed ?? "log",
      redisUrl
    }
  })

const integer = (env: string) =>
  Effect.gen(function*() {
    const raw = Option.getOrUndefined(yield* Config.String(env).pipe(Config.option))
    if (raw === undefined || raw === "") return undefined
    // `Number("")` and `Number("0x10")` would be accepted silently.
    return /^-?\d+$/.test(raw) ? Number(raw) : Number.NaN
  })

const transports = ["auto", "tcp", "neon", "embedded"] as const

/** Reads the environment (through the current `ConfigProvider`) and checks it. */
export const fromEnvironment = Effect.gen(function*() {
  const url = Option.getOrUndefined(yield* Config.String("DATABASE_URL").pipe(Config.option))
  if (url === undefined || url === "") {
    return yield* new DbConfigError({
      key: "DATABASE_URL",
      value: "<missing>",
      expected: "postgres://user:password@host:5432/database or pglite:<directory>"
    })
  }
  const directUrl = Option.getOrUndefined(yield* Config.String("EMS_DIRECT_URL").pipe(Config.option))
  const optional = (key: string) => Effect.map(Config.String(key).pipe(Config.option), Option.getOrUndefined)
  const transport = (yield* optional("EMS_TRANSPORT")) ?? "auto"
  if (!transports.some((known) => known === transport)) {
    return yield* new DbConfigError({ key: "EMS_TRANSPORT", value: transport, expected: transports.join(", ") })
  }
  const cacheFeed = (yield* optional("EMS_CACHE_FEED")) ?? "log"
  if (!cacheFeeds.includes(cacheFeed)) {
    return yield* new DbConfigError({ key: "EMS_CACHE_FEED", value: cacheFeed, expected: cacheFeeds.join(", ") })
  }
  const redisUrl = yield* optional("REDIS_URL")
  const numbers: Record<string, number | undefined> = {}
  for (const [key, setting] of Object.entries(settings)) {
    const value = yield* integer(setting.env)
    if (Number.isNaN(value)) {
      return yield* new DbConfigError({
        key: setting.env,
        value: "<not a whole number>",
        expected: `a whole number of ${setting.unit} from ${setting.min} to ${setting.max}`
      })
    }
    numbers[key] = value
  }
  return yield* Effect.fromResult(make({
    ...numbers,
    url: Redacted.make(url),
    directUrl: directUrl === undefined || directUrl === "" ? undefined : Redacted.make(directUrl),
    transport: transport as DbUrl.TransportKind | "auto",
    applicationName: yield* optional("EMS_APPLICATION_NAME"),
    neonProxy: yield* optional("EMS_NEON_PROXY"),
    cacheFeed: cacheFeed as CacheFeed,
    redisUrl: redisUrl === undefined || redisUrl === "" ? undefined : Redacted.make(redisUrl)
  }))
})

/** The checked settings as a service. */
export class DbConfig extends Context.Service<DbConfig, DbConfigShape>()("@ems/db-core/config/DbConfig") {
  /** From given values. */
  static readonly layerOf = (input: Input): Layer.Layer<DbConfig, DbConfigError> =>
    Layer.effect(DbConfig, Effect.fromResult(make(input)))
  /** From the environment. */
  static readonly layer = Layer.effect(DbConfig, fromEnvironment)
}
