/**
 * Every setting of the data layer, checked. The numbers with their defaults and bounds are in `Settings.ts`.
 *
 * There is one constructor, so defaults have one home. A missing `DATABASE_URL` is an error: choosing a throw-away
 * database silently would lose data in production.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { DbConfigError } from "./DbConfigError.ts"
import * as DbUrl from "./DbUrl.ts"
import { type Setting, settings } from "./Settings.ts"

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
    const numbers = yield* Result.all(Record.map(settings, (setting: Setting, key) => number(setting, input[key])))
    const applicationName = input.applicationName ?? "ems"
    if (applicationName === "" || new TextEncoder().encode(applicationName).length > 63) {
      return yield* Result.fail(
        new DbConfigError({ key: "EMS_APPLICATION_NAME", value: applicationName, expected: "1 to 63 bytes" })
      )
    }
    return {
      ...numbers,
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
