/**
 * Where the server listens, who may ask it how often, and what it does by itself. The only place of the API that reads
 * the environment; the rest is `DbConfig`'s and `AccessConfig`'s.
 */
import type { ScheduleOptions } from "@ems/db-core/maintenance/Schedule"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as net from "node:net"
import type { LimitKind, LimitSettings } from "./limits/RateLimits.ts"
import type { InFlightSettings } from "./limits/RequestsInFlight.ts"
import { migrationsFolder } from "./Migrations.ts"
import * as ExportSettings from "./telemetry/ExportSettings.ts"
import type { Unusable } from "./Unusable.ts"
import * as WebhookSettings from "./webhook/WebhookSettings.ts"

export interface Settings {
  /** Default 127.0.0.1. */
  readonly host: string
  /** Default 3000; 0 lets the system choose. */
  readonly port: number
  /** When maintenance runs by itself; `undefined`: never. */
  readonly schedule: ScheduleOptions | undefined
  /** `off` lets everybody do everything, on loopback only. Default `on`. */
  readonly auth: "on" | "off"
  /** Whoever shows the token that is printed at start may make the first administrator. */
  readonly offersFirstAdmin: boolean
  readonly limits: LimitSettings
  /** Requests at work at once, 128 by default, and what one may take, 10 s. */
  readonly inFlight: InFlightSettings
  /** Origins whose pages may call from a browser; none by default. */
  readonly corsOrigins: ReadonlyArray<string>
  /** Proxies in front that each add to `X-Forwarded-For`; default 0: the socket says who asks. */
  readonly trustedProxies: number
  /** The folder of the migrations' files. Default: the repository's. */
  readonly migrations: string
  /** Where traces and metrics are sent; `undefined`: nowhere. */
  readonly telemetry: ExportSettings.ExportSettings | undefined
  /** Where news are sent; `undefined`: nowhere. */
  readonly webhook: WebhookSettings.WebhookSettings | undefined
}

/** A setting that cannot be used. */
export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", {
  /** The environment variable. */
  key: Schema.String,
  value: Schema.String,
  /** What would be right. */
  expected: Schema.String
}) {
  override get message(): string {
    return `${this.key}: ${JSON.stringify(this.value)} is not usable, expected ${this.expected}`
  }
}

/** Requests a minute and their variables. */
const limitVariables: { readonly [Kind in LimitKind]: readonly [key: string, fallback: number] } = {
  address: ["EMS_RATE_LIMIT_ADDRESS", 6000],
  principal: ["EMS_RATE_LIMIT_PRINCIPAL", 6000],
  failure: ["EMS_RATE_LIMIT_FAILURES", 30],
  login: ["EMS_RATE_LIMIT_LOGINS", 20],
  account: ["EMS_RATE_LIMIT_ACCOUNT", 10]
}

const maxLimit = 10_000_000

/** An empty value counts as absent, as compose files write it. */
const text = (key: string, fallback = "") =>
  Effect.map(Config.String(key).pipe(Config.withDefault("")), (value) => value || fallback)

const wholeNumber = (key: string, fallback: number, max: number, min = 0) =>
  Effect.flatMap(
    text(key, String(fallback)),
    (value) =>
      /^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max
        ? Effect.succeed(Number(value))
        : Effect.fail(new SettingsError({ key, value, expected: `a whole number from ${min} to ${max}` }))
  )

const oneOf = <const Value extends string>(key: string, values: readonly [Value, ...ReadonlyArray<Value>]) =>
  Effect.flatMap(text(key, values[0]), (value) => {
    const found = values.find((allowed) => allowed === value)
    return found === undefined
      ? Effect.fail(new SettingsError({ key, value, expected: values.join(" or ") }))
      : Effect.succeed(found)
  })

/** What several variables say together. Some are secrets: none of them is shown. */
const several = <const Key extends string, A>(
  keys: ReadonlyArray<Key>,
  parse: (read: (key: Key) => string) => Result.Result<A, Unusable>
) =>
  Effect.flatMap(
    Effect.forEach(keys, (key) => text(key)),
    (values) =>
      Result.match(parse((key) => values[keys.indexOf(key)] ?? ""), {
        onSuccess: (settings) => Effect.succeed(settings),
        onFailure: ({ expected, key }) => Effect.fail(new SettingsError({ key, value: "(not shown)", expected }))
      })
  )

const limit = (kind: LimitKind) => wholeNumber(...limitVariables[kind], maxLimit)

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.")

const origins = Effect.flatMap(text("EMS_CORS_ORIGINS"), (value) => {
  const listed = value.split(",").map((origin) => origin.trim()).filter((origin) => origin !== "")
  // `*` is refused: what is answered here is for those who have a token.
  const wrong = listed.find((origin) => URL.parse(origin)?.origin !== origin)
  return wrong === undefined
    ? Effect.succeed(listed)
    : Effect.fail(
      new SettingsError({
        key: "EMS_CORS_ORIGINS",
        value: wrong,
        expected: "origins such as https://admin.example.org, separated by commas"
      })
    )
})

export const fromEnvironment = Effect.gen(function*() {
  const host = yield* text("HOST", "127.0.0.1")
  // Bun reports a name that does not resolve as a busy port, so names other than localhost are not taken.
  if (net.isIP(host) === 0 && host !== "localhost") {
    return yield* new SettingsError({ key: "HOST", value: host, expected: "an IP address or localhost" })
  }
  const port = yield* wholeNumber("PORT", 3000, 65_535)
  const auth = yield* oneOf("EMS_AUTH", ["on", "off"])
  if (auth === "off" && !isLoopback(host)) {
    return yield* new SettingsError({ key: "EMS_AUTH", value: auth, expected: `on, because HOST is not loopback` })
  }
  const window = yield* text("EMS_MAINTENANCE_WINDOW")
  const timeZone = yield* text("EMS_MAINTENANCE_TIME_ZONE", "UTC")
  return {
    host,
    port,
    auth,
    offersFirstAdmin: (yield* oneOf("EMS_FIRST_ADMIN", ["", "offer"])) === "offer",
    schedule: window === "" ? undefined : { window, timeZone },
    limits: {
      address: yield* limit("address"),
      principal: yield* limit("principal"),
      failure: yield* limit("failure"),
      login: yield* limit("login"),
      account: yield* limit("account")
    },
    inFlight: {
      max: yield* wholeNumber("EMS_REQUESTS_MAX", 128, 100_000, 1),
      timeout: yield* wholeNumber("EMS_REQUEST_TIMEOUT_MS", 10_000, 600_000, 100)
    },
    corsOrigins: yield* origins,
    trustedProxies: yield* wholeNumber("EMS_TRUSTED_PROXIES", 0, 10),
    migrations: yield* text("EMS_MIGRATIONS", migrationsFolder),
    telemetry: yield* several(ExportSettings.variables, ExportSettings.parse),
    webhook: yield* several(WebhookSettings.variables, WebhookSettings.parse)
  } satisfies Settings
})
