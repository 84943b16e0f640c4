/** What the place where results are shown can do. */
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"

export interface Screen {
  /** Columns; at least 20. */
  readonly width: number
  /** A terminal, and `NO_COLOR` is not set. */
  readonly hasColor: boolean
  readonly border: "ascii" | "unicode"
}

/** Where there is no terminal, and no width is known. */
const usualWidth = 100

const text = (name: string) => Effect.orDie(Config.String(name).pipe(Config.withDefault("")))

/** The first of these that is set says which characters there are (POSIX, 8.2). */
export const isUnicode = Effect.gen(function*() {
  const locale = (yield* text("LC_ALL")) || (yield* text("LC_CTYPE")) || (yield* text("LANG"))
  return /utf-?8/i.test(locale)
})

/** A file or another program gets plain characters of a usual width. */
export const screen: Effect.Effect<Screen, never, Stdio.Stdio | Terminal.Terminal> = Effect.gen(function*() {
  const { stdoutIsTerminal } = yield* Stdio.Stdio
  if (!(yield* stdoutIsTerminal)) return { width: usualWidth, hasColor: false, border: "ascii" }
  const columns = yield* (yield* Terminal.Terminal).columns
  return {
    width: columns === 0 ? usualWidth : Math.max(20, columns),
    hasColor: (yield* TerminalCapabilities).canColor,
    border: (yield* isUnicode) ? "unicode" : "ascii"
  }
})
