/**
 * Where the server listens, and what it does by itself. The only place of the API that reads the environment; the rest
 * is `DbConfig`'s.
 */
import type { ScheduleOptions } from "@ems/db-core/maintenance/Schedule"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as net from "node:net"

export interface Settings {
  /** Default 127.0.0.1. */
  readonly host: string
  /** Default 3000; 0 lets the system choose. */
  readonly port: number
  /** When maintenance runs by itself; `undefined`: never. */
  readonly schedule: ScheduleOptions | undefined
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

/**
 * Reads `HOST`, `PORT`, `EMS_MAINTENANCE_WINDOW` and `EMS_MAINTENANCE_TIME_ZONE`; an empty value counts as absent, as
 * compose files write it.
 */
export const fromEnvironment = Effect.gen(function*() {
  const host = (yield* Config.String("HOST").pipe(Config.withDefault(""))) || "127.0.0.1"
  const port = (yield* Config.String("PORT").pipe(Config.withDefault(""))) || "3000"
  // Bun reports a name that does not resolve as a busy port, so names other than localhost are not taken.
  if (net.isIP(host) === 0 && host !== "localhost") {
    return yield* new SettingsError({ key: "HOST", value: host, expected: "an IP address or localhost" })
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    return yield* new SettingsError({ key: "PORT", value: port, expected: "a whole number from 0 to 65535" })
  }
  const window = yield* Config.String("EMS_MAINTENANCE_WINDOW").pipe(Config.withDefault(""))
  const timeZone = (yield* Config.String("EMS_MAINTENANCE_TIME_ZONE").pipe(Config.withDefault(""))) || "UTC"
  return { host, port: Number(port), schedule: window === "" ? undefined : { window, timeZone } } satisfies Settings
})
