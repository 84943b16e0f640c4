/** Ctrl-C and SIGTERM, for a command that knows better than to be interrupted. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"

const signals = ["SIGINT", "SIGTERM"] as const

/**
 * One signal may come twice: the terminal sends it to everybody, and whoever started this process passes it on.
 * Milliseconds.
 */
export const echo = 300

/** A timer of the runtime's, not a fibre: it holds up nobody who wants to end. */
const afterEcho = (restore: () => void): void => {
  // @effect-diagnostics-next-line globalTimers:off
  setTimeout(restore, echo).unref()
}

/**
 * The signals that come from now on. Until the scope closes nobody else hears of them: to the rest of the program the
 * first would be an interruption. Nor does anybody hear the echo of one that came.
 */
export const taken: Effect.Effect<Queue.Queue<void>, never, Scope.Scope> = Effect.gen(function*() {
  const queue = yield* Queue.make<void>()
  let isHeard = false
  const listener = () => {
    isHeard = true
    Queue.offerUnsafe(queue, undefined)
  }
  yield* Effect.forEach(signals, (signal) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        // The signals' names are the events', and nothing else is listened to here.
        const others = process.listeners(signal) as Array<(signal: NodeJS.Signals) => void>
        // Before the others go: without a listener the signal would end the process at once.
        process.on(signal, listener)
        for (const other of others) process.off(signal, other)
        return () => {
          for (const other of others) process.on(signal, other)
          process.off(signal, listener)
        }
      }),
      (restore) => Effect.sync(() => isHeard ? afterEcho(restore) : restore())
    ), { discard: true })
  return queue
})
