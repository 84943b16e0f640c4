/** Constraints that are checked for all rows while others wait. */
import type { AlterTableCmd, Constraint } from "libpg-query"
import { quoted } from "../../catalog/Identifier.ts"
import { columnConstraints, constraintOf } from "../statement/alterTableLocks.ts"
import { display, relationOf } from "../statement/RelationName.ts"
import { alterations, type Linting, type Rule, sqlName, squawk, tableObject, type Used } from "./Rule.ts"

const constraintsOf = (cmd: AlterTableCmd): ReadonlyArray<Constraint> => {
  if (cmd.subtype === "AT_AddColumn") return columnConstraints(cmd.def)
  const constraint = cmd.subtype === "AT_AddConstraint" ? constraintOf(cmd) : undefined
  return constraint === undefined ? [] : [constraint]
}

/** Constraints that are added to tables which are used. */
const added = (linting: Linting) =>
  alterations(linting).flatMap(({ cmd, table }) => constraintsOf(cmd).map((constraint) => ({ cmd, constraint, table })))

/** The statement in two steps, where it is but this constraint. */
const inTwo = (text: string, table: Used, { conname }: Constraint, isColumn: boolean): string | null =>
  isColumn || conname === undefined
    ? null
    : `${text} not valid;\nalter table ${sqlName(table)} validate constraint ${quoted(conname)};`

const foreignKey: Rule = {
  name: "adding-foreign-key-constraint",
  documentation: squawk("adding-foreign-key-constraint"),
  check: (linting) =>
    added(linting).flatMap(({ cmd, constraint, table }) => {
      if (constraint.contype !== "CONSTR_FOREIGN" || constraint.skip_validation === true) return []
      const other = relationOf(constraint.pktable).map(display).join("")
      return [{
        object: tableObject(table),
        summary:
          `The foreign key is checked for all of ${table.name} while it and ${other} are locked (SHARE ROW EXCLUSIVE)`,
        impact: "Every write of both tables waits until the last row is checked",
        rewrite: inTwo(linting.statement.text, table, constraint, cmd.subtype === "AT_AddColumn")
      }]
    })
}

const check: Rule = {
  name: "constraint-missing-not-valid",
  documentation: squawk("constraint-missing-not-valid"),
  check: (linting) =>
    added(linting).flatMap(({ cmd, constraint, table }) => {
      // One that comes with its column is checked as well: a scan of the table in either case.
      const kinds: ReadonlyArray<string> = cmd.subtype === "AT_AddConstraint"
        ? ["CONSTR_CHECK", "CONSTR_NOTNULL"]
        : ["CONSTR_CHECK"]
      return !kinds.includes(constraint.contype ?? "") || constraint.skip_validation === true ? [] : [{
        object: tableObject(table),
        summary: `The constraint is checked for all of ${table.name} under ACCESS EXCLUSIVE`,
        impact: "Every read and write of the table waits until the last row is checked",
        rewrite: inTwo(linting.statement.text, table, constraint, cmd.subtype === "AT_AddColumn")
      }]
    })
}

const unique: Rule = {
  name: "disallowed-unique-constraint",
  documentation: squawk("disallowed-unique-constraint"),
  check: (linting) =>
    added(linting).flatMap(({ constraint, table }) => {
      const { contype, indexname } = constraint
      const kind = contype === "CONSTR_UNIQUE" ? "unique" : contype === "CONSTR_PRIMARY" ? "primary key" : undefined
      if (contype !== "CONSTR_EXCLUSION" && (kind === undefined || indexname !== undefined)) return []
      const keys = (constraint.keys ?? []).flatMap((key) => "String" in key ? [quoted(key.String.sval ?? "")] : [])
      const name = constraint.conname ?? `${table.relation.name}_key`
      return [{
        object: tableObject(table),
        summary: `The index of the constraint is built on ${table.name} under ACCESS EXCLUSIVE`,
        impact: "Every read and write of the table waits until it is built",
        rewrite: kind === undefined || keys.length === 0 ? null : [
          `create unique index concurrently ${quoted(name)} on ${sqlName(table)} (${keys.join(", ")});`,
          `alter table ${sqlName(table)} add constraint ${quoted(name)} ${kind} using index ${quoted(name)};`
        ].join("\n")
      }]
    })
}

export const constraintRules: ReadonlyArray<Rule> = [foreignKey, check, unique]
