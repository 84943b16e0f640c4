/** What can be drawn on stderr. */
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import { isUnicode } from "../Screen.ts"

export interface Canvas {
  /** Columns that may be written to; at least 20. The last one stays free: some terminals go on to the next line. */
  readonly width: number
  /** `NO_COLOR` is not set. */
  readonly hasColor: boolean
  readonly characters: "ascii" | "unicode"
}

/** Where nobody knows it: a pseudo terminal whose size was never set. */
const usualWidth = 80

/** As effect sees stdout's. */
const capabilities = Effect.gen(function*() {
  const stdio = yield* Stdio.Stdio
  const layer = TerminalCapabilities.layer.pipe(
    Layer.provide(Layer.succeed(Stdio.Stdio, { ...stdio, stdoutIsTerminal: stdio.stderrIsTerminal }))
  )
  // A small question of its own, not a part of the program.
  // @effect-diagnostics-next-line strictEffectProvide:off
  return yield* Effect.provide(TerminalCapabilities.TerminalCapabilities, layer)
})

/** The canvas as it is each time it is asked for; `undefined` where nothing can be drawn in place. */
export const canvas: Effect.Effect<Effect.Effect<Canvas> | undefined, never, Stdio.Stdio> = Effect.gen(function*() {
  const { canAnimate, canColor } = yield* capabilities
  if (!canAnimate) return undefined
  const characters = (yield* isUnicode) ? "unicode" : "ascii"
  return Effect.sync(() => ({
    width: Math.max(20, process.stderr.columns || usualWidth) - 1,
    hasColor: canColor,
    characters
  }))
})
