/**
 * Every setting of access, checked. There is one constructor, so defaults have one home.
 *
 * The environment holds the secrets only: `EMS_AUTH_SECRET`, and `EMS_AUTH_PREVIOUS_SECRET` while it is being replaced.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A setting that cannot be used. Never holds its value when that is a secret. */
export class AccessConfigError extends Schema.TaggedError<AccessConfigError>()("AccessConfigError", {
  /** The environment variable, or the option. */
  key: Schema.String,
  value: Schema.String,
  /** What would be right. */
  expected: Schema.String
}) {
  override get message(): string {
    return `${this.key}: ${this.value} is not usable, expected ${this.expected}`
  }
}

const numbers = {
  /** Life of an access token, and so how long a stolen one is good for at most. Seconds. */
  accessTokenLife: { default: 600, min: 1, max: 600 },
  /** How far the clocks of two processes may be apart. Seconds. */
  clockTolerance: { default: 5, min: 0, max: 5 },
  /** Life of a refresh token. Seconds; 30 days. */
  refreshTokenLife: { default: 2_592_000, min: 1, max: 7_776_000 },
  /** Life of a session, however often it was refreshed. Seconds; 90 days. */
  sessionLife: { default: 7_776_000, min: 1, max: 31_536_000 },
  /** A credential is checked again after this time: how long one that another process revoked is accepted. Milliseconds. */
  revalidateAfter: { default: 1000, min: 0, max: 1000 },
  /** How long a checked credential may read while the database cannot be asked. Milliseconds; 10 minutes. */
  offlineFor: { default: 600_000, min: 0, max: 600_000 },
  /** Credentials that are remembered. */
  rememberedMax: { default: 10_000, min: 1, max: 1_000_000 },
  /** Passwords hashed at a time, 19 MiB each. */
  hashConcurrency: { default: 2, min: 1, max: 64 },
  /** Callers that may wait for that; the next one is refused. */
  hashWaitingMax: { default: 64, min: 0, max: 10_000 }
}

type Numbers = { readonly [Key in keyof typeof numbers]: number }

/** Raw bytes of a key. */
type Key = Redacted.Redacted<Uint8Array>

export interface AccessConfigShape extends Numbers {
  /** Signs access tokens. `undefined`: a random one of this process. */
  readonly secret: Key | undefined
  /** Still accepted. */
  readonly previousSecret: Key | undefined
  readonly warnOfRandomSecret: boolean
}

export interface Options extends Partial<Numbers> {
  /** Base64 of at least 32 bytes, or at least 32 characters. Default: a random one of this process. */
  readonly secret?: Redacted.Redacted | undefined
  readonly previousSecret?: Redacted.Redacted | undefined
  /** Says in the log that tokens end with this process. Default true; false for a program that issues none. */
  readonly warnOfRandomSecret?: boolean
}

/** HS256 wants a key of at least the size of its hash: RFC 7518, 3.2. */
const keyBytes = 32

const keyOf = (
  env: string,
  secret: Redacted.Redacted | undefined
): Result.Result<Key | undefined, AccessConfigError> => {
  if (secret === undefined) return Result.succeed(undefined)
  const text = Redacted.value(secret)
  const decoded = Result.getOrElse(Base64.decode(text), () => new Uint8Array())
  const bytes = decoded.length >= keyBytes ? decoded : new TextEncoder().encode(text)
  return decoded.length >= keyBytes || text.length >= keyBytes
    ? Result.succeed(Redacted.make(bytes))
    : Result.fail(
      new AccessConfigError({
        key: env,
        value: "<not shown>",
        expected: "base64 of at least 32 random bytes (openssl rand -base64 32), or at least 32 characters"
      })
    )
}

interface Bounds {
  readonly default: number
  readonly min: number
  readonly max: number
}

const number = (
  key: string,
  { default: fallback, max, min }: Bounds,
  value = fallback
): Result.Result<number, AccessConfigError> =>
  Number.isInteger(value) && value >= min && value <= max
    ? Result.succeed(value)
    : Result.fail(
      new AccessConfigError({ key, value: String(value), expected: `a whole number from ${min} to ${max}` })
    )

/** The only constructor. */
export const make = (options: Options): Result.Result<AccessConfigShape, AccessConfigError> =>
  Result.gen(function*() {
    return {
      ...yield* Result.all(Record.map(numbers, (bounds: Bounds, key) => number(key, bounds, options[key]))),
      secret: yield* keyOf("EMS_AUTH_SECRET", options.secret),
      previousSecret: yield* keyOf("EMS_AUTH_PREVIOUS_SECRET", options.previousSecret),
      warnOfRandomSecret: options.warnOfRandomSecret ?? true
    }
  })

/** An empty value counts as absent, as compose files write it. */
const secretOf = (env: string) =>
  Effect.map(
    Config.String(env).pipe(Config.withDefault("")),
    (text) => text === "" ? undefined : Redacted.make(text)
  )

/** The secrets from the environment. */
export const fromEnvironment = Effect.gen(function*() {
  return {
    secret: yield* secretOf("EMS_AUTH_SECRET"),
    previousSecret: yield* secretOf("EMS_AUTH_PREVIOUS_SECRET")
  } satisfies Options
})

export class AccessConfig extends Context.Service<AccessConfig, AccessConfigShape>()("@ems/access/AccessConfig") {
  /** From given values. */
  static readonly layerOf = (options: Options): Layer.Layer<AccessConfig, AccessConfigError> =>
    Layer.effect(AccessConfig, Effect.fromResult(make(options)))
  /** Secrets from the environment, the rest from `options`. */
  static readonly layer = (options: Omit<Options, "secret" | "previousSecret"> = {}) =>
    Layer.effect(
      AccessConfig,
      Effect.flatMap(fromEnvironment, (secrets) => Effect.fromResult(make({ ...options, ...secrets })))
    )
}
