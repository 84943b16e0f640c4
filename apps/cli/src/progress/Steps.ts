/** Work of a few steps whose number is known: which one it is at. A bar on a terminal, a line for each where it is piped. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { bar } from "./Bar.ts"
import * as StatusLine from "./StatusLine.ts"

export interface StepsShown {
  /** It is at step `at` of `of`, from 1, which is `what`. */
  readonly at: (at: number, of: number, what: string) => Effect.Effect<void>
}

export const silent: StepsShown = { at: () => Effect.void }

/** Shows them until the scope closes; nothing where a program reads. `last` is the one that it is at. */
export const shownSteps = Effect.fnUntraced(function*(json: boolean) {
  const status = json ? undefined : yield* StatusLine.make
  let last: string | undefined
  const show = (at: number, of: number, what: string): Effect.Effect<void> => {
    if (status !== undefined) {
      return status.draw((canvas) => [bar((100 * (at - 1)) / of, `${at} of ${of}: ${what}`, canvas)])
    }
    // The first goes without saying: where it fails nothing was begun, and the one line of the failure says it all.
    return json || at === 1 ? Effect.void : Console.error(`${at} of ${of}: ${what}`)
  }
  return {
    status,
    last: () => last,
    at: (at: number, of: number, what: string) =>
      Effect.suspend(() => {
        last = what
        return show(at, of, what)
      })
  }
})
