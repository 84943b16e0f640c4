/**
 * `emsdb report --json`: what an on-call engineer sends to a colleague. Of each list the first twenty, and how many there
 * are.
 */
import * as Schema from "effect/Schema"
import { Blocking } from "./Blocking.ts"
import { Checks, Finding } from "./Checks.ts"
import { Connections } from "./Connections.ts"
import { Indexes } from "./Indexes.ts"
import { Migrations } from "./Migrations.ts"
import { pageOf } from "./Page.ts"
import { ServerQuery } from "./Queries.ts"
import { Count, ElapsedMs, IsoInstant, Text } from "./Scalars.ts"
import { Severity } from "./Severity.ts"
import { Space } from "./Space.ts"
import { Status } from "./Status.ts"
import { Tables } from "./Tables.ts"
import { Unavailable } from "./Unavailable.ts"
import { Vacuum } from "./Vacuum.ts"

/** One failing part does not lose the others: `content` is null, and `unavailable` says why. */
const part = <S extends Schema.Top>(content: S) =>
  Schema.Struct({ content: Schema.NullOr(content), unavailable: Schema.NullOr(Unavailable) })

/** Findings of all checks, the most severe first; of each severity the first twenty. */
export const ReportFindings = Schema.Struct({
  summary: Checks.fields.summary,
  checks: Count,
  items: Schema.Array(Finding),
  /** Checks that could not look. */
  notLookedAt: Schema.Array(Schema.Struct({ name: Text, title: Text, ...Unavailable.fields })),
  /** What limits the answers, the first twenty. */
  notes: Schema.Array(Text)
})
export type ReportFindings = typeof ReportFindings.Type

/** Indexes that something speaks against: invalid ones first, then redundant, unused and bloated ones. */
export const ReportIndexes = Schema.Struct({
  ...Indexes.fields,
  counts: Schema.Struct({ invalid: Count, redundant: Count, unused: Count, bloated: Count })
})
export type ReportIndexes = typeof ReportIndexes.Type

export const LongTransaction = Schema.Struct({
  pid: Count,
  database: Schema.NullOr(Schema.String),
  user: Schema.NullOr(Schema.String),
  application: Schema.String,
  state: Schema.NullOr(Schema.String),
  transactionMs: ElapsedMs,
  stateMs: Schema.NullOr(ElapsedMs),
  /** It has written, or locked a row. */
  hasWritten: Schema.Boolean,
  /** Transactions begun since its snapshot: rows that died in them stay. Null while it holds none. */
  snapshotAge: Schema.NullOr(Schema.Finite),
  /** Without literals. */
  query: Schema.NullOr(Schema.String)
})

export const SettingAdvice = Schema.Struct({
  name: Text,
  severity: Severity,
  /** What was seen. */
  summary: Text,
  /** Where the value comes from, as in `pg_settings`. */
  source: Schema.NullOr(Schema.String),
  impact: Text,
  remediation: Schema.NullOr(Text)
})

export const Report = Schema.Struct({
  timestamp: IsoInstant,
  database: Text,
  /** As `server_version_num`: 180004 is 18.4. */
  version: Count,
  parts: Schema.Struct({
    status: part(Status),
    findings: part(ReportFindings),
    /** Of the last 24 hours, those that took longest together. */
    queries: part(pageOf(ServerQuery)),
    blocking: part(Blocking),
    /** Open transactions of clients, the oldest first. */
    transactions: part(pageOf(LongTransaction)),
    connections: part(Connections),
    tables: part(Tables),
    space: part(Space),
    indexes: part(ReportIndexes),
    vacuum: part(Vacuum),
    settings: part(pageOf(SettingAdvice)),
    /** Those that need attention first, then the latest. */
    migrations: part(Migrations)
  })
})
export type Report = typeof Report.Type
export type ReportPart = keyof Report["parts"]
