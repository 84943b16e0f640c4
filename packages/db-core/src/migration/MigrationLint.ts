/**
 * Dangerous statements among the pending ones, each with what to write instead. A comment before a statement accepts
 * it: `-- ems-lint-ignore rule-name: reason`.
 */
import * as Effect from "effect/Effect"
import { cacheKeyOf, type Finding, type Severity } from "../catalog/Finding.ts"
import { columnRules } from "./lint/columnRules.ts"
import { constraintRules } from "./lint/constraintRules.ts"
import { indexRules } from "./lint/indexRules.ts"
import type { Flaw, Rule } from "./lint/Rule.ts"
import { useRules } from "./lint/useRules.ts"
import type { MigrationSource } from "./MigrationFiles.ts"
import { type Pending, readPending } from "./Pending.ts"

export const lintRules: ReadonlyArray<Rule> = [...indexRules, ...columnRules, ...constraintRules, ...useRules]

export interface LintResult {
  /** `evidence` has the migration, the line of the statement in it, and rows and bytes of the table. */
  readonly findings: ReadonlyArray<Finding>
  /** Accepted in a comment. */
  readonly ignored: ReadonlyArray<{
    readonly name: string
    readonly migration: string
    readonly line: number
    readonly reason: string
  }>
}

/** Bytes a second: what a gp3 volume of AWS reads without paying for more. */
const readsPerSecond = 125 * 2 ** 20

/** A table that is read in this time is worth a warning; a larger one is held up for longer than squawk's lock timeout. */
const tolerable = 1000

const severityOf = (bytes: number | null): Severity =>
  bytes === null || (1000 * bytes) / readsPerSecond < tolerable ? "warn" : "error"

/** Rules that comments accept, with their reasons; one without a reason accepts nothing. */
const accepted = (comments: ReadonlyArray<string>): ReadonlyMap<string, string> =>
  new Map(comments.flatMap((comment) => {
    const [, names = "", reason = ""] =
      /^(?:--|\/\*)\s*ems-lint-ignore\s+([\w-]+(?:\s*,\s*[\w-]+)*)\s*:\s*(\S.*?)\s*(?:\*\/)?$/s.exec(comment) ?? []
    return names === "" ? [] : names.split(",").map((name): [string, string] => [name.trim(), reason])
  }))

const bytesOf = (pending: Pending, { object }: Flaw, locks: ReturnType<Pending["locks"]>) => {
  const table = locks.find((each) => each.table === object.name || object.name.startsWith(`${each.table}.`))
  return { rows: table?.rows ?? null, bytes: table?.bytes ?? null, version: pending.version }
}

/** Changes nothing. */
export const lint = Effect.fn("Migrator.lint")(function*(source: MigrationSource) {
  const pending = yield* readPending(source)
  const findings: Array<Finding> = []
  const ignored: Array<LintResult["ignored"][number]> = []
  for (const migration of pending.migrations) {
    for (const statement of migration.statements) {
      const reasons = accepted(statement.comments)
      const locks = pending.locks(statement)
      for (const { check, documentation, name } of lintRules) {
        for (const flaw of check({ pending, migration, statement })) {
          const reason = reasons.get(name)
          const { line } = statement
          if (reason !== undefined) {
            ignored.push({ name, migration: migration.name, line, reason })
            continue
          }
          const { bytes, rows } = bytesOf(pending, flaw, locks)
          findings.push({
            name,
            severity: flaw.severity ?? severityOf(bytes),
            object: flaw.object,
            summary: flaw.summary,
            evidence: { migration: migration.name, line, command: statement.command, rows, bytes },
            impact: flaw.impact,
            remediation: flaw.rewrite,
            documentation,
            cacheKey: cacheKeyOf(name, flaw.object, migration.name, String(line))
          })
        }
      }
    }
  }
  return { findings, ignored } satisfies LintResult
})
