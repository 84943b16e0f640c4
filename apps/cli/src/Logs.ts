/**
 * Logs of a command, always on stderr: stdout belongs to its result. Errors only, unless `EMS_LOG` or `--log-level`
 * asks for more.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"

const levels: Readonly<Record<string, LogLevel>> = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" }

/** Readable lines with `EMS_LOG=debug`, otherwise JSON lines. */
export const layer = Layer.unwrap(Effect.gen(function*() {
  const level = yield* Config.String("EMS_LOG").pipe(Config.withDefault("error"))
  const logger = level === "debug" ? Logger.consolePretty() : Logger.withConsoleError(Logger.formatJson)
  return Layer.mergeAll(
    Logger.layer([logger]),
    Layer.succeed(Logger.LogToStderr, true),
    Layer.succeed(References.MinimumLogLevel, levels[level] ?? "Error")
  )
}))
