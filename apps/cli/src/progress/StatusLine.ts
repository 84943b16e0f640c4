/**
 * Lines at the bottom of the terminal that are drawn over and over while work goes on. On stderr: stdout has the
 * result alone.
 */
import * as Effect from "effect/Effect"
import { type Canvas, canvas } from "./Canvas.ts"

export interface StatusLine {
  /** Draws these lines in place of those before; each must fit the canvas. */
  readonly draw: (lines: (canvas: Canvas) => ReadonlyArray<string>) => Effect.Effect<void>
  /** Says something that stays, above what is drawn. */
  readonly say: (line: string) => Effect.Effect<void>
}

const write = (text: string) => Effect.sync(() => void process.stderr.write(text))

/** To the first column, and nothing from there on. The cursor stands where drawing began, so it holds after a resize. */
const clear = "\r\u001B[J"

/**
 * Drawn over until the scope closes, which clears it; `undefined` where stderr is no terminal that can. After each
 * drawing the cursor is back at its first line: whoever writes meanwhile writes over it, and the next drawing mends that.
 */
export const make = Effect.gen(function*() {
  const found = yield* canvas
  if (found === undefined) return undefined
  let isClosed = false
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      return write(clear)
    })
  )
  return {
    draw: (lines) =>
      Effect.flatMap(found, (canvas) => {
        const drawn = lines(canvas)
        const up = drawn.length > 1 ? `\u001B[${drawn.length - 1}A` : ""
        return isClosed ? Effect.void : write(`${clear}${drawn.join("\n")}${up}\r`)
      }),
    say: (line) => write(`${clear}${line}\n`)
  } satisfies StatusLine
})
