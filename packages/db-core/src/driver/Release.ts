/**
 * Brings a fibre back from a wait with a failure, as if what it waits for had failed.
 *
 * Only for the wait on a shared connection: its statement cannot be interrupted, so nothing has to be undone, and the
 * usual way (running it in a second fibre and racing a timer) costs a fifth of the throughput of point reads. Effect's
 * own interruption does the same to a waiting fibre, but marks it as interrupted for good.
 */
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"

/** Members of Effect 4.1's fibres that its declarations leave out; `test/connection/Deadlines.test.ts` holds them to it. */
interface Waiting {
  /** Set while it waits; called when something else than the awaited brings it back. */
  readonly _yielded: (() => void) | undefined
  readonly evaluate: (effect: Exit.Exit<never, unknown>) => void
}

/** `fiber` must be waiting inside the statement that fails. Says whether it was. */
export const release = (fiber: Fiber.Fiber<unknown, unknown>, error: unknown): boolean => {
  const waiting = fiber as unknown as Waiting
  if (waiting._yielded === undefined) return false
  waiting.evaluate(Exit.fail(error))
  return true
}
