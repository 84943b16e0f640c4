/**
 * The live view on a terminal: a screen beside the one that is there, keys, and pictures until somebody leaves.
 *
 * Whatever ends it, the terminal is as it was. A server that stops answering does not end it.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import type { Screen } from "../Screen.ts"
import { frame, type FrameScreen } from "./Frame.ts"
import * as Pace from "./Pace.ts"
import type { Look } from "./Sampler.ts"
import { type Event, next, silence, type View } from "./View.ts"

/** The other screen, without a cursor, and without going on below where a line is too long (xterm's private modes). */
const enter = "\u001B[?1049h\u001B[?25l\u001B[?7l"
const leave = "\u001B[?7h\u001B[?25h\u001B[?1049l"

/** What a terminal has that does not say. */
const usual = { width: 100, height: 24 }

/** From the top left corner, each line to its end and then what is below: all of it is written over, without a flash. */
const drawn = (lines: ReadonlyArray<string>): string =>
  `\u001B[H${lines.map((line) => `${line}\u001B[K`).join("\r\n")}\u001B[J`

/** The other screen until the scope closes; when the process ends without closing it, that ends it too. */
const otherScreen = Effect.fnUntraced(function*({ display }: Terminal.Terminal) {
  const onExit = () => void process.stdout.write(leave)
  yield* Effect.acquireRelease(
    Effect.andThen(Effect.sync(() => process.once("exit", onExit)), display(enter)),
    () => Effect.andThen(Effect.sync(() => process.off("exit", onExit)), Effect.ignore(display(leave)))
  )
})

/** Keys as they were typed. Without a keyboard only a signal ends it. */
const keys = Effect.fnUntraced(function*(terminal: Terminal.Terminal, tell: (event: Event) => void) {
  if (!(yield* (yield* Stdio.Stdio).stdinIsTerminal)) return
  const input = yield* terminal.readInput
  // It ends with Escape, Ctrl-C and Ctrl-D, and when the terminal is gone.
  yield* Effect.forkScoped(
    Queue.take(input).pipe(
      Effect.map(({ input }) => Option.getOrElse(input, () => "")),
      Effect.tap((key) => Effect.sync(() => tell({ _tag: "Typed", key }))),
      Effect.forever,
      Effect.ensuring(Effect.sync(() => tell({ _tag: "Left" }))),
      Effect.ignore
    )
  )
})

const resizes = Effect.fnUntraced(function*(terminal: Terminal.Terminal, tell: (event: Event) => void) {
  const sizes = yield* terminal.size
  // The size that it has is no change.
  yield* Effect.ignore(Queue.take(sizes))
  yield* Effect.forkScoped(
    Queue.take(sizes).pipe(
      Effect.tap(() => Effect.sync(() => tell({ _tag: "Resized" }))),
      Effect.forever,
      Effect.ignore
    )
  )
})

export interface LiveOptions {
  readonly intervalMs: number
  /** Looks; then it ends. */
  readonly count: number | undefined
  readonly screen: Screen
}

/** Runs until somebody leaves, or there were `count` looks. Fails when the first look does. */
export const live = Effect.fnUntraced(
  function*(look: Look, options: LiveOptions) {
    const { count = Number.POSITIVE_INFINITY, intervalMs, screen } = options
    const terminal = yield* Terminal.Terminal
    const pace = yield* Pace.make({ intervalMs, isPaused: false })
    yield* pace.due
    const top = yield* look
    let view: View = {
      top,
      answeredAt: yield* Clock.currentTimeMillis,
      askedAt: undefined,
      failure: undefined,
      sort: "transaction",
      intervalMs,
      isPaused: false
    }

    const events = yield* Queue.unbounded<Event>()
    const tell = (event: Event) => void Queue.offerUnsafe(events, event)
    const looks = Effect.gen(function*() {
      yield* pace.due
      tell({ _tag: "Asked", at: yield* Clock.currentTimeMillis })
      const found = yield* look
      tell({ _tag: "Answered", at: yield* Clock.currentTimeMillis, top: found })
    }).pipe(Effect.catch((error) => Effect.sync(() => tell({ _tag: "Failed", text: error.message }))), Effect.forever)

    yield* otherScreen(terminal)
    yield* keys(terminal, tell)
    yield* resizes(terminal, tell)
    yield* Effect.forkScoped(looks)
    // How long there was no answer grows by itself.
    yield* Effect.forkScoped(
      Effect.repeat(Effect.sync(() => tell({ _tag: "Ticked" })), Schedule.spaced("1 second"))
    )

    let last = ""
    const draw = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const size = yield* Effect.all([terminal.columns, terminal.rows])
      const area: FrameScreen = { ...screen, width: size[0] || usual.width, height: size[1] || usual.height }
      const silent = silence(view, now)
      const picture = drawn(frame(view.top, area, {
        ...view,
        silence: silent === undefined ? undefined : {
          since: DateTime.formatIso(DateTime.makeUnsafe(silent.since)),
          forMs: now - silent.since,
          text: silent.text
        }
      }))
      if (picture === last) return
      last = picture
      yield* terminal.display(picture)
    })

    let answers = 1
    yield* draw
    while (answers < count) {
      const event = yield* Queue.take(events)
      const after = next(view, event)
      if (after === undefined) return
      if (after.isPaused !== view.isPaused || after.intervalMs !== view.intervalMs) yield* pace.set(after)
      if (event._tag === "Answered") answers++
      if (event._tag === "Resized") last = ""
      view = after
      yield* draw
    }
  }, // A terminal that takes no more is gone, and so is whoever looked.
  Effect.catchTag("PlatformError", () => Effect.void),
  Effect.scoped
)
