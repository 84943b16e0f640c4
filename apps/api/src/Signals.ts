/** SIGTERM and SIGINT: the first one asks to finish, the second one ends the process there and then. */
import * as Effect from "effect/Effect"

const signals = ["SIGTERM", "SIGINT"] as const

/** The documented exit code of a run that was aborted. */
const aborted = 5

/** Succeeds at the first signal. */
export const first: Effect.Effect<NodeJS.Signals> = Effect.callback((resume) => {
  let isStopping = false
  const on = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(aborted)
    isStopping = true
    resume(Effect.succeed(signal))
  }
  // Left installed: without a listener the second signal would end the process with the system's code.
  for (const signal of signals) process.on(signal, on)
})
