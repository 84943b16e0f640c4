/** Says why a command failed: one line on stderr, for a program the same as a line of JSON. */
import { Problem } from "@ems/schema/contract/Problem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import { ExitCode } from "./ExitCode.ts"
import type { Failure } from "./Failure.ts"

/** The HTTP statuses that say the same, as the problem's contract wants one. */
const problems: Readonly<Record<ExitCode, { readonly status: number; readonly title: string }>> = {
  [ExitCode.ok]: { status: 500, title: "No problem" },
  [ExitCode.findings]: { status: 422, title: "Something needs attention" },
  [ExitCode.usage]: { status: 400, title: "The command line or the configuration is wrong" },
  [ExitCode.connection]: { status: 503, title: "The database cannot be reached" },
  [ExitCode.lockHeld]: { status: 423, title: "Another session holds a lock" },
  [ExitCode.aborted]: { status: 500, title: "The command was aborted" }
}

const asProblem = (failure: Failure, text: string) =>
  Effect.gen(function*() {
    const halves = yield* Effect.replicateEffect(Random.nextIntBetween(0, 0x7fffffff), 2)
    return yield* Schema.encodeEffect(Problem)({
      type: "about:blank",
      ...problems[failure.exitCode],
      detail: text,
      reason: failure.reason,
      requestId: halves.map((half) => half.toString(16).padStart(8, "0")).join(""),
      exitCode: failure.exitCode
    })
  }).pipe(Effect.orDie, Effect.map((problem) => JSON.stringify(problem)))

export const report = Effect.fnUntraced(function*(failure: Failure) {
  if (failure.text === undefined) return
  // Also when the arguments could not be parsed, so not from the parsed flags.
  const json = (yield* (yield* Stdio.Stdio).args).includes("--json")
  yield* Console.error(json ? yield* asProblem(failure, failure.text) : `emsdb: ${failure.text}`)
})
