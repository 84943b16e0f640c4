/** What every check says, as plain data: for people, monitors and programs alike. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { DbError } from "../errors/DbError.ts"
import { Catalog, type CheckOptions, type CheckResult } from "./Catalog.ts"
import type { Unavailable } from "./CatalogQuery.ts"
import { allChecks } from "./checks.ts"
import type { Finding, Severity } from "./Finding.ts"

export interface ReportedCheck {
  readonly name: string
  readonly title: string
  readonly findings: ReadonlyArray<Finding>
  /** Why nobody knows; null when it was looked at. */
  readonly unavailable: Unavailable | null
  readonly notes: ReadonlyArray<string>
}

export interface CheckReport {
  /** ISO instant. */
  readonly timestamp: string
  readonly checks: ReadonlyArray<ReportedCheck>
  /** Findings by severity, and checks that could not look. */
  readonly summary: { readonly [S in Severity | "unavailable"]: number }
  readonly durationMs: number
}

/** In the order in which they are shown. */
export const checkNames: ReadonlyArray<string> = allChecks.map(({ name }) => name)

const reported = ({ answer, name, title }: CheckResult): ReportedCheck => ({
  name,
  title,
  findings: answer.isAvailable ? answer.rows : [],
  unavailable: answer.isAvailable ? null : answer.unavailable,
  notes: answer.isAvailable ? answer.notes : []
})

/** Runs the checks, as `Catalog.checks` does. Names that no check has are passed over: `checkNames` are those there are. */
export const checkReport = Effect.fn("CheckReport.checkReport")(
  function*(options: CheckOptions = {}): Effect.fn.Return<CheckReport, DbError, Catalog> {
    const catalog = yield* Catalog
    const [took, results] = yield* Effect.timed(catalog.checks(options))
    const checks = results.map(reported)
    const found = checks.flatMap(({ findings }) => findings)
    const counted = (severity: Severity) => found.filter((one) => one.severity === severity).length
    return {
      timestamp: DateTime.formatIso(yield* DateTime.now),
      checks,
      summary: {
        error: counted("error"),
        warn: counted("warn"),
        info: counted("info"),
        unavailable: checks.filter(({ unavailable }) => unavailable !== null).length
      },
      durationMs: Duration.toMillis(took)
    }
  }
)
