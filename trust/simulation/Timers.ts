/**
 * The wire client's timers are the global ones: for the length of a run these are the world's.
 */
import type { Event, World } from "./World.ts"

/** What `setTimeout` gives back, as far as libraries look at it. */
interface Handle {
  readonly event: Event
  readonly ref: () => Handle
  readonly unref: () => Handle
  readonly hasRef: () => boolean
}

type Callback = (...args: ReadonlyArray<unknown>) => void

/** Replaces the global timers until the returned function is called. */
export const virtualTimers = (world: World): () => void => {
  const { clearInterval, clearTimeout, setInterval, setTimeout } = globalThis
  const handleOf = (event: Event): Handle => {
    const handle: Handle = { event, ref: () => handle, unref: () => handle, hasRef: () => true }
    return handle
  }
  const clear = (handle: Partial<Handle> | undefined | null): void => {
    if (handle?.event !== undefined) handle.event.cancelled = true
  }
  const later = (run: Callback, delay = 0, ...args: ReadonlyArray<unknown>): Handle =>
    handleOf(world.timer(delay, () => run(...args)))
  const never = () => {
    throw new Error("simulation: nothing in it uses setInterval")
  }
  // The declared types are those of Node's own handles, which nobody here can make.
  Object.assign(globalThis, { setTimeout: later, clearTimeout: clear, setInterval: never, clearInterval: clear })
  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval })
  }
}
