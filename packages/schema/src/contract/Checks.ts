/** `GET /api/db/checks` and `emsdb check --json`: what was found wrong, or about to go wrong, and what could not be looked at. */
import * as Schema from "effect/Schema"
import { Day } from "./Baseline.ts"
import { Count, IsoInstant, Milliseconds, Text } from "./Scalars.ts"
import { Severity } from "./Severity.ts"
import { Unavailable } from "./Unavailable.ts"

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

/** A finding that somebody knows of and lives with: it is in the baseline, and is counted nowhere else. */
export const AcceptedFinding = Schema.Struct({
  ...Finding.fields,
  /** Why; null when nobody wrote it down. */
  reason: Schema.NullOr(Text),
  /** The last day on which it is accepted, in UTC; null without an end. */
  until: Schema.NullOr(Day)
})
export type AcceptedFinding = typeof AcceptedFinding.Type

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
  /** Those that a baseline accepts; not among `findings`. There when one was given. */
  accepted: Schema.optionalKey(Schema.Array(AcceptedFinding)),
  /** Why nobody knows; null when it was looked at. */
  unavailable: Schema.NullOr(Unavailable),
  /** What limits the answer here. */
  notes: Schema.Array(Text)
})
export type CheckResult = typeof CheckResult.Type

export const Checks = Schema.Struct({
  timestamp: IsoInstant,
  checks: Schema.Array(CheckResult),
  /** Without what a baseline accepts. */
  summary: Schema.Struct({ error: Count, warn: Count, info: Count, unavailable: Count }),
  /** What became of the baseline; there when one was given or written. Entries are told by their `cacheKey`. */
  baseline: Schema.optionalKey(Schema.Struct({
    /** Findings that it accepts. */
    accepted: Count,
    /** Entries that no finding matches any more, of checks that could look. */
    stale: Schema.Array(Text),
    /** Entries whose last day is over: their findings count again. */
    expired: Schema.Array(Text),
    /** Entries whose findings are more severe than what was accepted, and count again. */
    worse: Schema.Array(Text),
    /** The file was written anew, without those that are stale. */
    isWritten: Schema.Boolean
  })),
  /** Checks that were not run, because what was looked at has no answer for them. */
  leftOut: Schema.optionalKey(Schema.Struct({ reason: Text, names: Schema.Array(Text) })),
  durationMs: Milliseconds
})
export type Checks = typeof Checks.Type
