/**
 * What a failed command says: one line and an exit code. Never a stack trace, and never a URL or a password, which a
 * person may have typed as an argument.
 */
import type { AccessConfigError } from "@ems/access/AccessConfig"
import type { AccessError } from "@ems/access/AccessError"
import type { DbConfigError } from "@ems/db-core/config/DbConfigError"
import type { DbError } from "@ems/db-core/errors/DbError"
import type { MaintenanceError } from "@ems/db-core/maintenance/MaintenanceError"
import type { SessionSignalError } from "@ems/db-core/maintenance/SessionSignalError"
import type { ExplainError } from "@ems/db-core/optimizer/ExplainError"
import * as Cause from "effect/Cause"
import type * as CliError from "effect/cli/CliError"
import type { ConfigError } from "effect/Config"
import type { ApiError } from "./api/ApiError.ts"
import type { Interrupted } from "./Cancellation.ts"
import {
  ExitCode,
  exitCodeOfAccess,
  exitCodeOfExplain,
  exitCodeOfMaintenance,
  exitCodeOfReason,
  exitCodeOfSignal,
  exitCodeOfStatus
} from "./ExitCode.ts"
import type { Findings } from "./Findings.ts"
import type { Unanswered } from "./Questions.ts"

/** Everything that a command fails with. */
export type CommandError =
  | AccessConfigError
  | AccessError
  | ApiError
  | CliError.CliError
  | ConfigError
  | DbConfigError
  | DbError
  | ExplainError
  | Findings
  | Interrupted
  | MaintenanceError
  | SessionSignalError
  | Unanswered

export interface Failure {
  readonly exitCode: ExitCode
  /** One word for programs. */
  readonly reason: string
  /** Nothing when stdout says it all. */
  readonly text: string | undefined
}

const longest = 500

/** One line without control characters; anything that looks like a URL or carries credentials is replaced. */
const oneLine = (text: string): string => {
  const line = text
    .replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"']*/gi, "<url>")
    .replace(/[^\s"']+:[^\s"']*@[^\s"']*/g, "<url>")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

const usageText = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnknownSubcommand":
      return `unknown command "${error.subcommand}"${didYouMean(error.suggestions)}`
    case "UnrecognizedOption":
      return `unknown flag ${error.option}${didYouMean(error.suggestions)}`
    default:
      return error.message
  }
}

const didYouMean = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "; see --help" : `, did you mean ${suggestions.join(" or ")}?`

/** The other commands create no tables. */
const hint = (error: DbError): string => error.isMissingTable ? "; run emsdb init first" : ""

/** What Postgres says of a statement, without a word of it. */
const whereOf = ({ reason }: ExplainError): string =>
  reason._tag === "ParameterCount" ? "" : [
    ...(reason.sqlState === undefined ? [] : [` [${reason.sqlState}]`]),
    ...(reason.position === undefined ? [] : [`, at character ${reason.position}`])
  ].join("")

/** Who holds a lock says so by the reason: 409 is the status of other things as well. */
const ofApi = ({ kind, reason, status }: ApiError): ExitCode =>
  kind !== "Problem"
    ? ExitCode.connection
    : reason === "RunnerBusy" || reason === "LockTimeout"
    ? ExitCode.lockHeld
    : exitCodeOfStatus(status)

const ofError = (error: CommandError): Failure => {
  switch (error._tag) {
    case "DbError":
      return {
        exitCode: exitCodeOfReason[error.reason._tag],
        reason: error.reason._tag,
        text: oneLine(error.message) + hint(error)
      }
    case "MaintenanceError":
      return {
        exitCode: exitCodeOfMaintenance[error.reason._tag],
        reason: error.reason._tag,
        text: oneLine(error.message)
      }
    case "ApiError":
      return { exitCode: ofApi(error), reason: error.reason, text: oneLine(error.text) }
    case "AccessError":
      return { exitCode: exitCodeOfAccess[error.reason._tag], reason: error.reason._tag, text: oneLine(error.message) }
    case "ExplainError":
      return {
        exitCode: exitCodeOfExplain[error.reason._tag],
        reason: error.reason._tag,
        text: oneLine(error.message) + whereOf(error)
      }
    case "SessionSignalError":
      return { exitCode: exitCodeOfSignal[error.reason._tag], reason: error.reason._tag, text: oneLine(error.message) }
    case "Unanswered":
      return error.because === "declined"
        ? { exitCode: ExitCode.aborted, reason: "NotConfirmed", text: error.text }
        : { exitCode: ExitCode.usage, reason: "NotConfirmed", text: oneLine(error.text) }
    case "AccessConfigError":
    case "DbConfigError":
      // Its text never repeats the URL, and shows the form of one.
      return { exitCode: ExitCode.usage, reason: "Configuration", text: error.message }
    case "ConfigError":
      return { exitCode: ExitCode.usage, reason: "Configuration", text: oneLine(error.message) }
    case "Findings":
      return error.verdict === "findings"
        ? { exitCode: ExitCode.findings, reason: "Findings", text: error.text }
        : { exitCode: ExitCode.connection, reason: "Unhealthy", text: error.text }
    case "Interrupted":
      return { exitCode: ExitCode.aborted, reason: "Interrupted", text: oneLine(error.text) }
    case "ShowHelp":
      return error.errors.length === 0
        ? { exitCode: ExitCode.ok, reason: "Help", text: undefined }
        : { exitCode: ExitCode.usage, reason: "Usage", text: oneLine(error.errors.map(usageText).join("; ")) }
    default:
      return { exitCode: ExitCode.usage, reason: "Usage", text: oneLine(usageText(error)) }
  }
}

/** The failure behind `cause`. A defect's own text may hold anything: it goes to the debug log only. */
export const ofCause = (cause: Cause.Cause<CommandError>): Failure => {
  const failed = cause.reasons.find(Cause.isFailReason)
  if (failed !== undefined) return ofError(failed.error)
  return Cause.hasInterruptsOnly(cause)
    ? { exitCode: ExitCode.aborted, reason: "Interrupted", text: "interrupted; what was not committed is undone" }
    : {
      exitCode: ExitCode.aborted,
      reason: "Defect",
      text: "an error inside emsdb; EMS_LOG=debug prints it"
    }
}
