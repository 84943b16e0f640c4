/**
 * Tables that autovacuum should have worked on and has not, or cannot: what is read of `vacuum-due` as a verdict.
 */
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { qualified } from "./Identifier.ts"
import { type VacuumDue, vacuumDue } from "./vacuumDue.ts"

export type VacuumState = "running" | "held-back" | "overdue" | "due" | "not-due"

/** Figures over their limits, the largest first: dead rows and inserts, as shares of what makes VACUUM come. */
const shareOf = ({ deadLimit, deadRows, insertLimit, insertedRows }: VacuumDue): number =>
  Math.max(
    deadRows / Math.max(deadLimit, 1),
    insertLimit === null ? 0 : insertedRows / Math.max(insertLimit, 1)
  )

/** `overdue` says from which multiple of its limit on autovacuum has not kept up. */
export const vacuumState = (row: VacuumDue, overdue: number): VacuumState => {
  const share = shareOf(row)
  if (row.phase !== null) return "running"
  if (row.isHeldBack && row.deadRows > row.deadLimit) return "held-back"
  if (share > overdue) return "overdue"
  return share > 1 || row.xidAge > row.freezeLimit || row.multixactAge > row.multixactLimit ? "due" : "not-due"
}

export const vacuumOverdueCheck = checkOf({
  name: "vacuum-overdue",
  title: "Tables that VACUUM does not keep up with",
  query: vacuumDue,
  thresholds: {
    overdue: {
      value: 2,
      unit: "ratio",
      source: "ours: each database is looked at once in autovacuum_naptime (1 min), so twice the limit is no delay"
    },
    rows: {
      value: 10_000,
      unit: "count",
      source: "ours: fewer dead or new rows than that cost no reader anything"
    }
  },
  judge: (rows, { limit }) =>
    rows.flatMap((row) => {
      const { schema, table } = row
      const state = vacuumState(row, limit("overdue"))
      if (state !== "held-back" && state !== "overdue") return []
      if (Math.max(row.deadRows, row.insertedRows) < limit("rows")) return []
      const name = `${schema}.${table}`
      return [{
        severity: "warn",
        object: { kind: "table", name },
        key: row.isToast ? ["toast"] : [],
        summary: state === "held-back"
          ? `${name} was vacuumed, and its ${row.deadRows} dead rows are still held`
          : `${name}${row.isToast ? " (TOAST)" : ""} is ${
            shareOf(row).toFixed(1)
          } times over what makes VACUUM come: ${row.deadRows} dead rows, ${row.insertedRows} new ones`,
        evidence: {
          deadRows: row.deadRows,
          deadLimit: row.deadLimit,
          insertedRows: row.insertedRows,
          insertLimit: row.insertLimit,
          isToast: row.isToast,
          isEnabled: row.isEnabled,
          lastVacuumAt: row.lastVacuumAt
        },
        impact: "Dead rows are read with the others, and their space is not used again",
        // What is held back stays: the check xmin-horizon says who holds it.
        remediation: state === "held-back" ? null : `vacuum (analyze) ${qualified(schema, table)};`,
        documentation: manual("routine-vacuuming.html#AUTOVACUUM")
      }]
    })
})

export const autovacuumDisabledCheck = checkOf({
  name: "autovacuum-disabled",
  title: "Tables excepted from autovacuum",
  query: vacuumDue,
  thresholds: {},
  judge: (rows) =>
    rows.filter(({ isEnabledOnTable, isToast }) => !isEnabledOnTable && !isToast).map((row) => ({
      severity: "warn",
      object: { kind: "table", name: `${row.schema}.${row.table}` },
      summary: `${row.schema}.${row.table} has autovacuum_enabled off`,
      evidence: { deadRows: row.deadRows, rows: row.rows, lastVacuumAt: row.lastVacuumAt },
      impact: "Only VACUUM against wraparound comes; until then it grows, and the planner's statistics age",
      remediation: `alter table ${qualified(row.schema, row.table)} reset (autovacuum_enabled);`,
      documentation: manual("sql-createtable.html#RELOPTION-AUTOVACUUM-ENABLED")
    }))
})
