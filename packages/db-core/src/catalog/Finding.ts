/**
 * What a check found: one row of one form for every check, whoever shows it.
 */

/** `info`: worth knowing. `warn`: act on it in time. `error`: act on it now. */
export type Severity = "info" | "warn" | "error"

/** What a finding is about. */
export interface FindingObject {
  readonly kind:
    | "server"
    | "database"
    | "table"
    | "index"
    | "column"
    | "sequence"
    | "constraint"
    | "session"
    | "slot"
    | "setting"
    | "query"
    | "extension"
  /** As `schema.name` where it has a schema; a session's is its process id. */
  readonly name: string
}

export interface Finding {
  /** The check's name, such as `unused-index`. */
  readonly name: string
  readonly severity: Severity
  readonly object: FindingObject
  /** What was seen, in one sentence. Without row values or parameters. */
  readonly summary: string
  /** The figures behind it, with their units in their names: `scans`, `bytes`, `observedHours`. */
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>
  /** What follows if nothing is done, and what mending it gains. */
  readonly impact: string
  /** SQL that mends it, ready to run; null where no statement does. Concurrently where Postgres can. */
  readonly remediation: string | null
  /** A page of Postgres's documentation, or ours. */
  readonly documentation: string
  /** The same for the same finding tomorrow, on another server too: what a list of accepted findings keeps. */
  readonly cacheKey: string
}

/** Joins what makes a finding the same one: its check, its object and nothing that changes from day to day. */
export const cacheKeyOf = (name: string, object: FindingObject, ...more: ReadonlyArray<string>): string =>
  [name, object.kind, object.name, ...more].join(":")

/** Pages of the current manual. */
export const manual = (page: string): string => `https://www.postgresql.org/docs/current/${page}`
