import { Report } from "@ems/schema/contract/Report"
import * as CliError from "effect/cli/CliError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { bytes, count, print } from "../Output.ts"
import { documentOf } from "../report/Document.ts"
import { gather } from "../report/Gathering.ts"
import { assertFree, usualName, write } from "../report/ReportFile.ts"
import { titles } from "../report/Section.ts"
import { plain } from "../Table.ts"
import { withDatabase } from "./Db.ts"

interface ReportFlags {
  readonly out: Option.Option<string>
  readonly force: boolean
  readonly json: boolean
}

const jsonIsNoFile = new CliError.InvalidValue({
  option: "out",
  value: "with --json",
  expected: "one of the two: --json prints the report on stdout",
  kind: "flag"
})

const found = ({ parts: { findings: { content } } }: Report): string =>
  content === null
    ? "findings not known"
    : `${count(content.summary.error, "error")}, ${
      count(content.summary.warn, "warning")
    }, ${content.summary.info} for information`

const lacking = ({ parts }: Report): ReadonlyArray<string> =>
  Object.entries(parts).flatMap(([part, { unavailable }]) =>
    // A cast: `entries` forgets what the names are.
    unavailable === null ? [] : [plain(`${titles[part as keyof typeof titles]}: not looked at, ${unavailable.text}`)]
  )

const intoFile = Effect.fnUntraced(function*(report: Report, { force, out }: ReportFlags) {
  const document = documentOf(report)
  const name = Option.getOrElse(out, () => usualName(report.database, report.timestamp))
  const file = yield* write(name, document, { force })
  yield* Console.log([
    plain(`${file}: ${bytes(Buffer.byteLength(document))}; ${found(report)}`),
    ...lacking(report)
  ].join("\n"))
})

const gathered = withDatabase(gather)

export const runReport = Effect.fn("emsdb.report")(function*(flags: ReportFlags) {
  const { force, json, out } = flags
  if (json && Option.isSome(out)) return yield* jsonIsNoFile
  const isPiped = Option.contains(out, "-")
  if (Option.isSome(out) && !isPiped && !force) yield* assertFree(out.value)
  const report: Report = yield* gathered
  if (json) yield* print(Report, report, { json, lines: [] })
  else if (isPiped) yield* Console.log(documentOf(report).trimEnd())
  else yield* intoFile(report, flags)
})
