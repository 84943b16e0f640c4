/**
 * Runs the command line: parses it, runs the command, and turns whatever happened into output and an exit code.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { completions } from "./Completions.ts"
import { ExitCode } from "./ExitCode.ts"
import { type CommandError, ofCause } from "./Failure.ts"
import * as Logs from "./Logs.ts"
import { report } from "./Report.ts"

/** Help goes to stdout when it was asked for; a mistake gets its one line instead of a page of help. */
const presenter = CliOutput.layerPresenter({
  present: (event) => event._tag === "InvalidInvocation" ? Effect.void : CliOutput.defaultPresenter.present(event)
})

/** All built-in flags but `--wizard`: it asks questions, and there is nothing to ask. */
const flags = CliConfig.layer({
  builtIns: [GlobalFlag.Help, GlobalFlag.Version, completions, GlobalFlag.LogLevel]
})

const reportCause = Effect.fnUntraced(function*(cause: Cause.Cause<CommandError>) {
  if (Cause.hasDies(cause)) yield* Effect.logDebug("defect", cause)
  yield* report(ofCause(cause))
})

const services = Layer.mergeAll(NodeServices.layer, presenter, flags, Logs.layer)

/** What is thrown where no fiber waits for it. The runtime would print it, with the code around it. */
const reportUncaught = (error: unknown): void => {
  const reported = Effect.ensuring(reportCause(Cause.die(error)), Effect.sync(() => process.exit(ExitCode.aborted)))
  // @effect-diagnostics-next-line strictEffectProvide:off
  Effect.runFork(Effect.provide(reported, services))
}

/** Runs `root` with the arguments of the process, which ends with one of `ExitCode`. */
export const run = <Name extends string, Input, ContextInput>(
  root: Command.Command<Name, Input, ContextInput, CommandError, Command.Environment>,
  version: string
): void => {
  process.on("uncaughtException", reportUncaught).on("unhandledRejection", reportUncaught)
  Command.run(root, { version }).pipe(
    // A finalizer, because an interruption is reported as well.
    Effect.onError(reportCause),
    // @effect-diagnostics-next-line strictEffectProvide:off
    Effect.provide(services),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit, end) =>
        end(Exit.isSuccess(exit) ? ExitCode.ok : ofCause(exit.cause as Cause.Cause<CommandError>).exitCode)
    })
  )
}
