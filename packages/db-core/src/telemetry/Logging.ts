/**
 * How the product logs: JSON lines for machines, readable lines with every statement for people who develop.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"

/** Debug lines and readable output with `NODE_ENV=development` or `EMS_LOG=debug`; otherwise JSON from info up. */
export const layer = Layer.unwrap(Effect.gen(function*() {
  const mode = yield* Config.String("NODE_ENV").pipe(Config.withDefault("production"))
  const level = yield* Config.String("EMS_LOG").pipe(Config.withDefault(mode === "development" ? "debug" : "info"))
  return level === "debug"
    ? Layer.mergeAll(Logger.layer([Logger.consolePretty()]), Layer.succeed(References.MinimumLogLevel, "Debug"))
    : Layer.mergeAll(Logger.layer([Logger.consoleJson]), Layer.succeed(References.MinimumLogLevel, "Info"))
}))
