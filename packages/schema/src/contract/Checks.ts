/** `GET /api/db/checks` and `emsdb check --json`: what was found wrong, or about to go wrong, and what could not be looked at. */
import * as Schema from "effect/Schema"
import { Count, IsoInstant, Milliseconds, Text } from "./Scalars.ts"
import { Unavailable } from "./Unavailable.ts"

export const Severity = Schema.Literals(["info", "warn", "error"])
export type Severity = typeof Severity.Type

export const Finding = Schema.Struct({
  /** The check's name, such as `unused-index`. */
  name: Text,
  severity: Severity,
  object: Schema.Struct({
    kind: Schema.Literals([
      "server",
      "database",
      "table",
      "index",
      "column",
      "sequence",
      "constraint",
      "session",
      "slot",
      "setting",
      "query",
      "extension"
    ]),
    /** With its schema where it has one. */
    name: Text
  }),
  /** What was seen, in one sentence. */
  summary: Text,
  /** The figures behind it; their names say the units. */
  evidence: Schema.Record(
    Schema.String,
    Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])
  ),
  /** What follows if nothing is done. */
  impact: Text,
  /** SQL that mends it; null where no statement does. */
  remediation: Schema.NullOr(Text),
  documentation: Text,
  /** The same for the same finding tomorrow: what a list of accepted findings keeps. */
  cacheKey: Text
})
export type Finding = typeof Finding.Type

const checkName = Schema.String.check(Schema.isMaxLength(64))

export const ChecksQuery = Schema.Struct({
  /** Names of checks with commas between them, which the server's parser makes a list of; without it all of them. */
  only: Schema.optionalKey(
    Schema.Union([checkName, Schema.Array(checkName).check(Schema.isMaxLength(100))])
  )
})

export const CheckResult = Schema.Struct({
  name: Text,
  title: Text,
  findings: Schema.Array(Finding),
  /** Why nobody knows; null when it was looked at. */
  unavailable: Schema.NullOr(Unavailable),
  /** What limits the answer here. */
  notes: Schema.Array(Text)
})
export type CheckResult = typeof CheckResult.Type

export const Checks = Schema.Struct({
  timestamp: IsoInstant,
  checks: Schema.Array(CheckResult),
  summary: Schema.Struct({ error: Count, warn: Count, info: Count, unavailable: Count }),
  durationMs: Milliseconds
})
export type Checks = typeof Checks.Type
