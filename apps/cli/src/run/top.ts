import { DbConfig } from "@ems/db-core/config/DbConfig"
import * as DbCore from "@ems/db-core/DbCore"
import { relations } from "@ems/schema"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Stdio from "effect/Stdio"
import { screen } from "../Screen.ts"
import { taken } from "../Signals.ts"
import { live } from "../top/Live.ts"
import { piped } from "../top/Piped.ts"
import { layerConfig, type Look, ofApi, ofDatabase } from "../top/Sampler.ts"
import { type SourceFlags, withApi } from "./Source.ts"

export interface TopFlags extends SourceFlags {
  /** Seconds. */
  readonly interval: number
  readonly count: number | undefined
  readonly json: boolean
}

const layer = Layer.provideMerge(DbCore.layerNoDeps(relations), layerConfig)

const watched = <E, R>(connect: Effect.Effect<Look, E, R>, { count, interval, json }: TopFlags, isLive: boolean) =>
  Effect.gen(function*() {
    // That is the ordinary end of what has no other: for the rest of the program it would be an interruption.
    const signals = yield* taken
    const options = { intervalMs: interval * 1000, count, screen: yield* screen, json }
    const look = yield* connect
    yield* Effect.raceFirst(isLive ? live(look, options) : piped(look, options), Queue.take(signals))
  }).pipe(Effect.scoped)

const connected = Effect.gen(function*() {
  const { target } = yield* DbConfig
  for (const warning of target.warnings) yield* Console.error(`emsdb: warning: ${warning}`)
  return yield* ofDatabase
})

export const runTop = Effect.fn("emsdb.top")(function*(flags: TopFlags) {
  const { canAnimate } = yield* TerminalCapabilities
  const isLive = canAnimate && !flags.json
  // Lines of a log would be written across the picture.
  const isMuddled = isLive && (yield* (yield* Stdio.Stdio).stderrIsTerminal)
  const run = Option.isSome(flags.api)
    ? withApi(flags.api.value, (api) => watched(Effect.succeed(ofApi(api)), flags, isLive))
    // A command is an entry point: it opens the data layer and closes it.
    // @effect-diagnostics-next-line strictEffectProvide:off
    : Effect.provide(watched(connected, flags, isLive), layer)
  yield* isMuddled ? Effect.provideService(run, References.MinimumLogLevel, "None") : run
})
