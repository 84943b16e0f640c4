import { checkNames, checkReport } from "@ems/db-core/catalog/CheckReport"
import { Checks } from "@ems/schema/contract/Checks"
import * as CliError from "effect/cli/CliError"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { accept, renewed, stale } from "../check/Acceptance.ts"
import * as BaselineFile from "../check/BaselineFile.ts"
import { formats } from "../check/Format.ts"
import type { FormatName } from "../check/FormatName.ts"
import { type Gate, isFailed } from "../check/Gate.ts"
import { checkMigrations, schemaChecks } from "../check/MigratedDatabase.ts"
import { Findings } from "../Findings.ts"
import { screen } from "../Screen.ts"
import { answer, type SourceFlags } from "./Source.ts"

export interface CheckFlags extends Gate, SourceFlags {
  readonly only: Option.Option<string>
  readonly format: Option.Option<FormatName>
  readonly json: boolean
  readonly baseline: Option.Option<string>
  readonly writeBaseline: Option.Option<string>
  readonly migrations: boolean
  readonly folder: Option.Option<string>
}

const refused = (option: string, value: string, expected: string) =>
  new CliError.InvalidValue({ option, value, expected, kind: "flag" })

const formatOf = Effect.fnUntraced(function*({ format, json }: CheckFlags) {
  const name = Option.getOrElse(format, (): FormatName => json ? "json" : "table")
  // To print one of the two would surprise whoever reads the other.
  return json && name !== "json" ? yield* refused("format", name, "json, or no --json beside it") : name
})

const namesOf = Effect.fnUntraced(function*({ migrations, only }: CheckFlags) {
  if (Option.isNone(only)) return undefined
  const known = migrations ? schemaChecks : checkNames
  const names = only.value.split(",").map((name) => name.trim())
  const unknown = names.find((name) => !known.includes(name))
  return unknown === undefined ? names : yield* refused("only", unknown, `one of ${known.join(", ")}`)
})

/** An API lists no more than so many findings of one check, and says so. */
const checkDatabase = (flags: CheckFlags, only: ReadonlyArray<string> | undefined) =>
  answer(
    flags,
    { contract: Checks, path: "api/db/checks", query: { only: only?.join(",") } },
    checkReport(only === undefined ? {} : { only })
  )

/** The baseline that is judged by: as it was given, or, where it is to be written, of what was found now. */
const judged = Effect.fnUntraced(function*(report: Checks, { baseline, writeBaseline }: CheckFlags) {
  if (Option.isNone(baseline) && Option.isNone(writeBaseline)) return report
  const today = DateTime.formatIsoDateUtc(yield* DateTime.now)
  const old = Option.isSome(baseline)
    ? yield* BaselineFile.read("baseline", baseline.value)
    : Option.isSome(writeBaseline) && (yield* BaselineFile.exists(writeBaseline.value))
    ? yield* BaselineFile.read("write-baseline", writeBaseline.value)
    : BaselineFile.nothing
  const options = { isWritten: Option.isSome(writeBaseline), stale: stale(report, old, checkNames), today }
  if (Option.isNone(writeBaseline)) return accept(report, old, options)
  const written = renewed(report, old, checkNames)
  yield* BaselineFile.write("write-baseline", writeBaseline.value, written)
  return accept(report, written, options)
})

export const runCheck = Effect.fn("emsdb.check")(function*(flags: CheckFlags) {
  const format = yield* formatOf(flags)
  const only = yield* namesOf(flags)
  if (Option.isSome(flags.folder) && !flags.migrations) {
    return yield* refused("folder", flags.folder.value, "--migrations beside it")
  }
  if (Option.isSome(flags.api) && flags.migrations) {
    return yield* refused("api", flags.api.value.host, "no --migrations beside it, which needs neither")
  }
  // A file that nobody can read is said before the database is asked for half a minute.
  if (Option.isSome(flags.baseline)) yield* BaselineFile.read("baseline", flags.baseline.value)
  const found: Checks = flags.migrations
    ? yield* checkMigrations({ folder: Option.getOrUndefined(flags.folder), only })
    : yield* checkDatabase(flags, only)
  const report = yield* Effect.orDie(Schema.encodeEffect(Checks)(yield* judged(found, flags)))
  yield* Console.log(formats[format](report, flags, yield* screen))
  if (isFailed(report, flags)) return yield* new Findings({ verdict: "findings" })
})
