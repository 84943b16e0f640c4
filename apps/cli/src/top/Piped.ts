/** One look after the other into a file or another program, until that has read enough or somebody ends it. */
import { Top } from "@ems/schema/contract/Top"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { Screen } from "../Screen.ts"
import { frame } from "./Frame.ts"
import * as Pace from "./Pace.ts"
import type { Look } from "./Sampler.ts"

export interface PipedOptions {
  readonly intervalMs: number
  /** Looks; then it ends. */
  readonly count: number | undefined
  readonly screen: Screen
  readonly json: boolean
}

/** Nobody reads any more: `head` has its lines. */
const isBrokenPipe = ({ reason }: PlatformError): boolean => {
  const { cause } = reason
  return typeof cause === "object" && cause !== null && "code" in cause
    && (cause.code === "EPIPE" || cause.code === "ERR_STREAM_DESTROYED")
}

/** Fails when a look does: whoever reads would not notice otherwise. */
export const piped = Effect.fnUntraced(function*(look: Look, options: PipedOptions) {
  const { count, intervalMs, json, screen } = options
  const stdio = yield* Stdio.Stdio
  const pace = yield* Pace.make({ intervalMs, isPaused: false })
  let isFirst = true
  const text = Effect.fnUntraced(function*(top: Top) {
    if (json) return `${JSON.stringify(yield* Effect.orDie(Schema.encodeEffect(Top)(top)))}\n`
    const between = isFirst ? "" : "\n"
    isFirst = false
    return `${between}${frame(top, screen).join("\n")}\n`
  })
  yield* Stream.fromEffectRepeat(Effect.andThen(pace.due, Effect.flatMap(look, text))).pipe(
    Stream.take(count ?? Number.POSITIVE_INFINITY),
    Stream.encodeText,
    Stream.run(stdio.stdout()),
    Effect.catchTag("PlatformError", (error) => isBrokenPipe(error) ? Effect.void : Effect.die(error))
  )
})
