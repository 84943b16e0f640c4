/**
 * Ctrl-C during work that changes things: the first ends it in order, the second at once. SIGTERM is the same.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import { ExitCode } from "./ExitCode.ts"
import type { StatusLine } from "./progress/StatusLine.ts"
import { report } from "./Report.ts"
import { echo, taken } from "./Signals.ts"

/** Somebody pressed Ctrl-C; the work has ended and cleaned up. */
export class Interrupted extends Schema.TaggedError<Interrupted>()("Interrupted", {
  /** What became of it, for a person. */
  text: Schema.String
}) {}

export interface CancellableOptions {
  /** Nothing is said on the way where a program reads. */
  readonly json: boolean
  /** What is being drawn. */
  readonly status: StatusLine | undefined
  /** What a second Ctrl-C may leave behind, and what mends it. */
  readonly leaves: string
}

/**
 * Interrupts `work` at the first signal, waits until it has cleaned up, and fails with `Interrupted`: who calls knows
 * what became of it.
 */
export const cancellable = <A, E, R>(
  work: Effect.Effect<A, E, R>,
  { json, leaves, status }: CancellableOptions
): Effect.Effect<A, E | Interrupted, Exclude<R, Scope.Scope> | Stdio.Stdio> => {
  const say = (line: string) => json ? Effect.void : status === undefined ? Console.error(line) : status.say(line)
  return Effect.scoped(Effect.gen(function*() {
    const signals = yield* taken
    const leave = Effect.gen(function*() {
      yield* Effect.sleep(echo)
      yield* Queue.clear(signals)
      yield* Queue.take(signals)
      if (status !== undefined) yield* status.say("")
      yield* report({ exitCode: ExitCode.aborted, reason: "Interrupted", text: `left at once; ${leaves}` })
      // Whatever still runs is left as it is: that was asked for.
      return yield* Effect.sync(() => process.exit(ExitCode.aborted))
    })
    const first = Effect.gen(function*() {
      yield* Queue.take(signals)
      yield* say("emsdb: cancelling; Ctrl-C again leaves at once")
    })
    const scope = yield* Effect.scope
    return yield* Effect.raceFirst(
      work,
      first.pipe(
        Effect.andThen(Effect.forkIn(leave, scope)),
        Effect.andThen(new Interrupted({ text: "interrupted" }))
      )
    )
  }))
}
