/**
 * Runs the command line: parses it, runs the command, and turns whatever happened into output and an exit code.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Problem } from "@ems/schema/contract/Problem"
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import { ExitCode } from "./ExitCode.ts"
import { type CommandError, type Failure, ofCause } from "./Failure.ts"
import * as Logs from "./Logs.ts"

/** Help goes to stdout when it was asked for; a mistake gets its one line instead of a page of help. */
const presenter = CliOutput.layerPresenter({
  present: (event) => event._tag === "InvalidInvocation" ? Effect.void : CliOutput.defaultPresenter.present(event)
})

/** All built-in flags but `--wizard`: it asks questions, and there is nothing to ask. */
const flags = CliConfig.layer({
  builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel]
})

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

const report = Effect.fnUntraced(function*(cause: Cause.Cause<CommandError>) {
  const failure = ofCause(cause)
  if (Cause.hasDies(cause)) yield* Effect.logDebug("defect", cause)
  if (failure.text === undefined) return
  // Also when the arguments could not be parsed, so not from the parsed flags.
  const json = (yield* (yield* Stdio.Stdio).args).includes("--json")
  yield* Console.error(json ? yield* asProblem(failure, failure.text) : `emsdb: ${failure.text}`)
})

const services = Layer.mergeAll(NodeServices.layer, presenter, flags, Logs.layer)

/** Runs `root` with the arguments of the process, which ends with one of `ExitCode`. */
export const run = <Name extends string, Input, ContextInput>(
  root: Command.Command<Name, Input, ContextInput, CommandError, Command.Environment>,
  version: string
): void =>
  Command.run(root, { version }).pipe(
    // A finalizer, because an interruption is reported as well.
    Effect.onError(report),
    // @effect-diagnostics-next-line strictEffectProvide:off
    Effect.provide(services),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit, end) =>
        end(Exit.isSuccess(exit) ? ExitCode.ok : ofCause(exit.cause as Cause.Cause<CommandError>).exitCode)
    })
  )
