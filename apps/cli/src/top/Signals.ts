/** How a view that runs until somebody has seen enough is ended from outside. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const signals = ["SIGINT", "SIGTERM"] as const

/**
 * `stopped` resolves when the process is asked to end, which is the ordinary end of what has no other. Until the scope closes
 * nobody else hears of it: to the rest of the program it would be an interruption, with its exit code and its line.
 */
export const asked: Effect.Effect<{ readonly stopped: Effect.Effect<void> }, never, Scope.Scope> = Effect.gen(
  function*() {
    const stopped = yield* Deferred.make<void>()
    yield* Effect.forEach(signals, (signal) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          // The signals' names are the events', and nothing else is listened to here.
          const others = process.listeners(signal) as Array<(signal: NodeJS.Signals) => void>
          const stop = () => void Deferred.doneUnsafe(stopped, Effect.void)
          // Before the others go: without a listener the signal would end the process at once.
          process.on(signal, stop)
          for (const other of others) process.off(signal, other)
          return () => {
            for (const other of others) process.on(signal, other)
            process.off(signal, stop)
          }
        }),
        (restore) => Effect.sync(restore)
      ), { discard: true })
    return { stopped: Deferred.await(stopped) }
  }
)
