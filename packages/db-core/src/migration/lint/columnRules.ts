/** Columns that are added or changed in ways that read or write the whole table under ACCESS EXCLUSIVE. */
import type { Node, TypeName } from "libpg-query"
import { manual } from "../../catalog/Finding.ts"
import { quoted } from "../../catalog/Identifier.ts"
import { columnConstraints, constraintOf } from "../statement/alterTableLocks.ts"
import { wordsOf } from "../statement/RelationName.ts"
import { functionsIn } from "../statement/statementLocks.ts"
import { alterations, type Linting, type Rule, sqlName, squawk, tableObject } from "./Rule.ts"

const columnOf = (def: Node | undefined) => def !== undefined && "ColumnDef" in def ? def.ColumnDef : undefined

const typeOf = (type: TypeName | undefined) => ({
  name: wordsOf(type?.names).at(-1) ?? "",
  limits: (type?.typmods ?? []).map((each) => "A_Const" in each ? each.A_Const.ival?.ival ?? 0 : Number.NaN),
  isArray: (type?.arrayBounds ?? []).length > 0
})

const written = ({ limits, name }: ReturnType<typeof typeOf>): string =>
  limits.length === 0 ? name : `${name}(${limits.join(", ")})`

/**
 * Whether Postgres changes the catalog alone: from a length to a longer one or none, and to text. Source: PostgreSQL
 * documentation, "ALTER TABLE", on binary coercible types, and squawk's `changing-column-type`.
 */
const isInstant = (from: string, to: ReturnType<typeof typeOf>): boolean => {
  const [, base = "", limits = ""] = /^([a-z ]+?)(?:\(([\d,]+)\))?$/.exec(from) ?? []
  const before = limits === "" ? [] : limits.split(",").map(Number)
  if (to.isArray) return false
  const isWider = to.limits.length === 0 ||
    (before.length === to.limits.length &&
      before.every((limit, at) => at === 0 ? (to.limits[0] ?? 0) >= limit : to.limits[at] === limit))
  if (base === "character varying" || base === "text") {
    return to.name === "text" ||
      (to.name === "varchar" && isWider && (base === "character varying" || to.limits.length === 0))
  }
  if (base === "numeric") return to.name === "numeric" && isWider
  if (base === "bit varying") return to.name === "varbit" && isWider
  return false
}

const typeChange: Rule = {
  name: "changing-column-type",
  documentation: squawk("changing-column-type"),
  check: (linting) =>
    alterations(linting).flatMap(({ cmd, table }) => {
      if (cmd.subtype !== "AT_AlterColumnType") return []
      const to = typeOf(columnOf(cmd.def)?.typeName)
      const from = table.live?.columns.find(({ name }) => name === cmd.name)?.type
      const isPlain = columnOf(cmd.def)?.raw_default === undefined
      if (isPlain && from !== undefined && isInstant(from, to)) return []
      const column = quoted(cmd.name ?? "")
      const fresh = quoted(`${cmd.name}_new`)
      return [{
        object: tableObject(table),
        summary: `The new type of ${table.name}.${cmd.name} rewrites the table and its indexes under ACCESS EXCLUSIVE`,
        impact: "Every read and write of the table waits until the last row is written",
        rewrite: [
          `alter table ${sqlName(table)} add column ${fresh} ${written(to)};`,
          "-- write both columns, fill the new one in batches, read it, then in a later migration:",
          `alter table ${sqlName(table)} drop column ${column};`
        ].join("\n")
      }]
    })
}

/** Columns for which a valid CHECK (column IS NOT NULL) spares the scan: in the database, or by a pending statement. */
const provenNotNull = (
  { pending, statement }: Linting,
  table: string,
  column: string,
  constraints: ReadonlyArray<{ readonly name: string; readonly isValid: boolean; readonly definition: string }>
): boolean => {
  const isProof = (definition: string) =>
    new RegExp(`^CHECK \\(+"?${column.replaceAll(/\W/g, "\\$&")}"? IS NOT NULL\\)+$`, "i").test(
      definition.replace(/ NOT VALID$/, "")
    )
  const candidates = new Map(
    constraints.filter(({ definition }) => isProof(definition)).map(({ isValid, name }) => [name, isValid])
  )
  for (const each of pending.migrations.flatMap(({ statements }) => statements)) {
    if (each === statement) break
    if (!("AlterTableStmt" in each.node) || each.node.AlterTableStmt.relation?.relname !== table) continue
    for (const node of each.node.AlterTableStmt.cmds ?? []) {
      const cmd = "AlterTableCmd" in node ? node.AlterTableCmd : {}
      const constraint = cmd.subtype === "AT_AddConstraint" ? constraintOf(cmd) : undefined
      const test = constraint?.raw_expr !== undefined && "NullTest" in constraint.raw_expr
        ? constraint.raw_expr.NullTest
        : undefined
      const of = test?.arg !== undefined && "ColumnRef" in test.arg
        ? wordsOf(test.arg.ColumnRef.fields).at(-1)
        : undefined
      if (test?.nulltesttype === "IS_NOT_NULL" && of === column) {
        candidates.set(constraint?.conname ?? "", constraint?.skip_validation !== true)
      }
      if (cmd.subtype === "AT_ValidateConstraint" && candidates.has(cmd.name ?? "")) {
        candidates.set(cmd.name ?? "", true)
      }
      if (cmd.subtype === "AT_DropConstraint") candidates.delete(cmd.name ?? "")
    }
  }
  return [...candidates.values()].some(Boolean)
}

const notNull: Rule = {
  name: "adding-not-nullable-field",
  documentation: squawk("adding-not-nullable-field"),
  check: (linting) =>
    alterations(linting).flatMap(({ cmd, table }) => {
      if (cmd.subtype !== "AT_SetNotNull") return []
      const column = cmd.name ?? ""
      if (table.live?.columns.some(({ name, notNull: already }) => name === column && already) === true) return []
      // Since 12 a valid CHECK spares the scan; every version that is supported knows that.
      if (provenNotNull(linting, table.relation.name, column, table.live?.constraints ?? [])) return []
      const name = quoted(`${table.relation.name}_${column}_not_null`)
      const alter = `alter table ${sqlName(table)}`
      return [{
        object: tableObject(table),
        summary: `SET NOT NULL reads all of ${table.name} under ACCESS EXCLUSIVE`,
        impact: "Every read and write of the table waits until the last row is read",
        rewrite: (linting.pending.version >= 180_000
          ? [
            `${alter} add constraint ${name} not null ${quoted(column)} not valid;`,
            `${alter} validate constraint ${name};`
          ]
          : [
            `${alter} add constraint ${name} check (${quoted(column)} is not null) not valid;`,
            `${alter} validate constraint ${name};`,
            `${alter} alter column ${quoted(column)} set not null;`,
            `${alter} drop constraint ${name};`
          ]).join("\n")
      }]
    })
}

const required: Rule = {
  name: "adding-required-field",
  documentation: squawk("adding-required-field"),
  check: (linting) =>
    alterations(linting).flatMap(({ cmd, table }) => {
      if (cmd.subtype !== "AT_AddColumn") return []
      const kinds = new Set(columnConstraints(cmd.def).map(({ contype }) => contype))
      const isFilled = kinds.has("CONSTR_DEFAULT") || kinds.has("CONSTR_GENERATED") || kinds.has("CONSTR_IDENTITY") ||
        isSerial(cmd.def)
      if (!kinds.has("CONSTR_NOTNULL") || isFilled) return []
      return [{
        object: tableObject(table),
        summary: `A column that is NOT NULL and has no default cannot be added to ${table.name}, which has rows`,
        impact: "The statement fails, and so does every old version of a program that does not fill the column",
        rewrite: `${linting.statement.text.replace(/\s+not\s+null\b/i, "")};`,
        severity: "error" as const
      }]
    })
}

const isSerial = (def: Node | undefined): boolean =>
  /^(small|big)?serial\d?$/.test(typeOf(columnOf(def)?.typeName).name)

const volatileDefault: Rule = {
  name: "adding-field-with-default",
  documentation: squawk("adding-field-with-default"),
  check: (linting) =>
    alterations(linting).flatMap(({ cmd, table }) => {
      if (cmd.subtype !== "AT_AddColumn") return []
      // Since 11 any other default is kept in the catalog, and is instant.
      const why = columnConstraints(cmd.def).flatMap(({ contype, generated_kind, raw_expr }) =>
        contype === "CONSTR_DEFAULT" && functionsIn(raw_expr).some((name) => linting.pending.volatile.has(name))
          ? ["a default that differs from row to row"]
          : contype === "CONSTR_GENERATED" && generated_kind !== "v"
          ? ["a stored generated column"]
          : contype === "CONSTR_IDENTITY"
          ? ["an identity column"]
          : []
      ).concat(isSerial(cmd.def) ? ["a serial column"] : [])
      const column = quoted(columnOf(cmd.def)?.colname ?? "")
      const alter = `alter table ${sqlName(table)}`
      return why.slice(0, 1).map((what) => ({
        object: tableObject(table),
        summary: `Adding ${what} rewrites ${table.name} under ACCESS EXCLUSIVE`,
        impact: "Every read and write of the table waits until the last row is written",
        rewrite: [
          `${alter} add column ${column} ${written(typeOf(columnOf(cmd.def)?.typeName)).replace(/serial/, "int")};`,
          `-- then its default for new rows, and the old ones in batches`
        ].join("\n")
      }))
    })
}

const rewriting: Readonly<Record<string, string>> = {
  AT_SetLogged: "SET LOGGED",
  AT_SetUnLogged: "SET UNLOGGED",
  AT_SetAccessMethod: "SET ACCESS METHOD",
  AT_SetTableSpace: "SET TABLESPACE",
  AT_SetExpression: "SET EXPRESSION"
}

const rewrite: Rule = {
  name: "table-rewrite",
  documentation: manual("sql-altertable.html#SQL-ALTERTABLE-NOTES"),
  check: (linting) =>
    alterations(linting).flatMap(({ cmd, table }) => {
      const what = rewriting[cmd.subtype ?? ""]
      return what === undefined ? [] : [{
        object: tableObject(table),
        summary: `${what} writes all of ${table.name} again under ACCESS EXCLUSIVE`,
        impact: "Every read and write of the table waits until the last row is written",
        rewrite: null
      }]
    })
}

export const columnRules: ReadonlyArray<Rule> = [typeChange, notNull, required, volatileDefault, rewrite]
