/** What the live view shows, and what becomes of it: no I/O, no time. */
import type { Top } from "@ems/schema/contract/Top"
import type { Timing } from "./Pace.ts"

const sorts = ["transaction", "query", "waiting"] as const
export type Sort = typeof sorts[number]

/** Seconds between two looks. */
export const shortest = 1
export const longest = 60

/** A look that takes longer than this is no answer. Milliseconds. */
const lateAfter = 2000

export interface View extends Timing {
  /** The last answer. */
  readonly top: Top
  /** When it came, and since when the next one is waited for. Milliseconds since the epoch. */
  readonly answeredAt: number
  readonly askedAt: number | undefined
  /** Why the last look failed. */
  readonly failure: string | undefined
  readonly sort: Sort
}

export type Event =
  | { readonly _tag: "Asked"; readonly at: number }
  | { readonly _tag: "Answered"; readonly at: number; readonly top: Top }
  | { readonly _tag: "Failed"; readonly text: string }
  /** A key, as it was typed. */
  | { readonly _tag: "Typed"; readonly key: string }
  /** The terminal has another size, or time passed: what is shown may look different. */
  | { readonly _tag: "Resized" }
  | { readonly _tag: "Ticked" }
  | { readonly _tag: "Left" }

const within = (intervalMs: number): number => Math.min(longest * 1000, Math.max(shortest * 1000, intervalMs))

const typed = (view: View, key: string): View | undefined => {
  switch (key) {
    case "q":
    case "Q":
      return undefined
    case " ":
      return { ...view, isPaused: !view.isPaused }
    case "s":
      return { ...view, sort: sorts[(sorts.indexOf(view.sort) + 1) % sorts.length] ?? "transaction" }
    case "+":
    case "=":
      return { ...view, intervalMs: within(view.intervalMs + 1000) }
    case "-":
      return { ...view, intervalMs: within(view.intervalMs - 1000) }
    default:
      return view
  }
}

/** The view after `event`; nothing when somebody leaves. */
export const next = (view: View, event: Event): View | undefined => {
  switch (event._tag) {
    case "Asked":
      return { ...view, askedAt: event.at }
    case "Answered":
      return { ...view, top: event.top, answeredAt: event.at, askedAt: undefined, failure: undefined }
    case "Failed":
      return { ...view, askedAt: undefined, failure: event.text }
    case "Typed":
      return typed(view, event.key)
    case "Resized":
    case "Ticked":
      return view
    case "Left":
      return undefined
  }
}

/** Since when there is no answer, and why; nothing while the server answers. */
export const silence = (view: View, now: number): { readonly since: number; readonly text: string } | undefined =>
  view.failure !== undefined
    ? { since: view.answeredAt, text: view.failure }
    : view.askedAt !== undefined && now - view.askedAt >= lateAfter
    ? { since: view.answeredAt, text: "the server takes its time" }
    : undefined
