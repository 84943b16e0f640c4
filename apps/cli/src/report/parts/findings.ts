/** Findings of all checks; those about settings also as a list of their own. */
import { pageFrom } from "@ems/db-core/catalog/AnswerPage"
import { checkReport } from "@ems/db-core/catalog/CheckReport"
import type { Checks } from "@ems/schema/contract/Checks"
import type { ReportFindings } from "@ems/schema/contract/Report"
import type { Severity } from "@ems/schema/contract/Severity"
import * as Effect from "effect/Effect"
import { most } from "./most.ts"

const severities: ReadonlyArray<Severity> = ["error", "warn", "info"]

export const findings = Effect.map(checkReport(), ({ checks, summary }: Checks): ReportFindings => {
  const all = checks.flatMap(({ findings }) => findings)
  return {
    summary,
    checks: checks.length,
    items: severities.flatMap((severity) => all.filter((one) => one.severity === severity).slice(0, most)),
    notLookedAt: checks.flatMap(({ name, title, unavailable }) =>
      unavailable === null ? [] : [{ name, title, ...unavailable }]
    ),
    notes: [...new Set(checks.flatMap(({ notes }) => notes))].slice(0, most)
  }
})

/** The check that gives advice about settings, by its name. */
const settingCheck = "setting"

export const settings = Effect.map(checkReport({ only: [settingCheck] }), ({ checks }: Checks) => {
  const [check] = checks
  const rows = (check?.findings ?? []).map(({ evidence, impact, object, remediation, severity, summary }) => ({
    name: object.name,
    severity,
    summary,
    source: typeof evidence["source"] === "string" ? evidence["source"] : null,
    impact,
    remediation
  }))
  return {
    ...pageFrom(rows, { limit: most }, {}),
    unavailable: check?.unavailable ?? null,
    notes: check?.notes ?? []
  }
})
