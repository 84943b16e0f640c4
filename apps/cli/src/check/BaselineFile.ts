/** The baseline on the disk. What is wrong with it is one line, which repeats nothing of what is in the file. */
import { Baseline } from "@ems/schema/contract/Baseline"
import * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { jsonText } from "./JsonText.ts"

export const nothing: Baseline = { version: 1, accepted: [] }

const refused = (option: string, file: string, expected: string) =>
  new CliError.InvalidValue({ option, value: file, expected, kind: "flag" })

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

/** Where it differs, such as `accepted[3].until`. */
const placeOf = (error: Schema.SchemaError): string =>
  (issues(error.issue).issues[0]?.path ?? [])
    .map((segment) => typeof segment === "object" ? segment.key : segment)
    .map((key, at) => typeof key === "number" ? `[${key}]` : `${at === 0 ? "" : "."}${String(key)}`)
    .join("")

/** `option` is the flag that named the file. */
export const read = Effect.fnUntraced(function*(option: string, file: string) {
  const content = yield* Effect.mapError(
    (yield* FileSystem.FileSystem).readFileString(file),
    () => refused(option, file, "a file that can be read")
  )
  const json = yield* Effect.try({
    try: (): unknown => JSON.parse(content),
    // The parser's own words quote the file.
    catch: () => refused(option, file, "a baseline, which is JSON")
  })
  return yield* Effect.mapError(
    Schema.decodeUnknownEffect(Baseline)(json, { onExcessProperty: "error" }),
    (error) => {
      const place = placeOf(error)
      return refused(option, file, `a baseline of version 1; it differs ${place === "" ? "as a whole" : `at ${place}`}`)
    }
  )
})

const indented = (baseline: Baseline): string =>
  baseline.accepted.length === 0
    ? `{ "version": 1, "accepted": [] }\n`
    : `{\n  "version": 1,\n  "accepted": [\n${
      baseline.accepted.map((entry) => `    ${jsonText(entry)}`).join(",\n")
    }\n  ]\n}\n`

/** Whole or not at all: one that is cut off accepts nothing, and the next run would fail for it. */
export const write = Effect.fnUntraced(function*(option: string, file: string, baseline: Baseline) {
  const files = yield* FileSystem.FileSystem
  const encoded = yield* Effect.orDie(Schema.encodeEffect(Baseline)(baseline))
  const unfinished = `${file}.unfinished`
  yield* files.writeFileString(unfinished, indented(encoded)).pipe(
    Effect.andThen(files.rename(unfinished, file)),
    Effect.onError(() => Effect.ignore(files.remove(unfinished))),
    Effect.mapError(() => refused(option, file, "a file that can be written"))
  )
})

export const exists = (file: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => Effect.orElseSucceed(files.exists(file), () => false))
