/** What the tables of Drizzle's relations declare, in the words of `liveTables`. */
import { type AnyRelations, is, SQL } from "drizzle-orm"
import { type ForeignKey, getTableConfig, PgColumn, PgTable } from "drizzle-orm/pg-core"

interface Declared {
  readonly kind: string
  readonly object: string
  readonly text: string
}

const serial: Readonly<Record<string, string>> = { serial: "integer", bigserial: "bigint", smallserial: "smallint" }

const list = (columns: Iterable<{ readonly name: string }>): string => [...columns].map(({ name }) => name).join(", ")

const foreignKeyText = (key: ForeignKey): string => {
  const { columns, foreignColumns, foreignTable } = key.reference()
  const { name, schema } = getTableConfig(foreignTable)
  return `foreign key (${list(columns)}) references ${schema ?? "public"}.${name} (${list(foreignColumns)}) ` +
    `on delete ${key.onDelete ?? "no action"} on update ${key.onUpdate ?? "no action"}`
}

/** As Postgres is asked to name it: `types` are compared by the server, which knows every spelling. */
export interface DeclaredColumn {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly notNull: boolean
  readonly hasDefault: boolean
}

const columnOf = (table: string, column: PgColumn): DeclaredColumn => {
  const type = column.getSQLType()
  return {
    table,
    name: column.name,
    type: `${serial[type] ?? type}${"[]".repeat(column.dimensions ?? 0)}`,
    notNull: column.notNull || column.primary,
    // A value of the program, such as `$defaultFn`, is not the database's affair.
    hasDefault: column.default !== undefined || type in serial || column.generated !== undefined ||
      column.generatedIdentity !== undefined
  }
}

export const tablesOf = (relations: AnyRelations): ReadonlyArray<PgTable> =>
  Object.values(relations).flatMap(({ table }) => is(table, PgTable) ? [table] : [])

export const nameOf = (table: PgTable): string => {
  const { name, schema } = getTableConfig(table)
  return `${schema ?? "public"}.${name}`
}

export const declaredColumns = (table: PgTable): ReadonlyArray<DeclaredColumn> =>
  getTableConfig(table).columns.map((column) => columnOf(nameOf(table), column))

/** Everything but columns. Constraints go by what they say: names that Drizzle makes up may differ. */
export const declaredParts = (table: PgTable): ReadonlyArray<Declared> => {
  const { checks, columns, foreignKeys, indexes, primaryKeys, uniqueConstraints } = getTableConfig(table)
  const name = nameOf(table)
  const part = (kind: string, text: string): Declared => ({ kind, object: `${name}: ${text}`, text })
  const inline = columns.filter(({ primary }) => primary)
  return [
    { kind: "table", object: name, text: "table" },
    ...(inline.length > 0 ? [part("constraint", `primary key (${list(inline)})`)] : []),
    ...primaryKeys.map((key) => part("constraint", `primary key (${list(key.columns)})`)),
    ...columns.filter(({ isUnique }) => isUnique).map((column) => part("constraint", `unique (${column.name})`)),
    ...uniqueConstraints.map((key) => part("constraint", `unique (${list(key.columns)})`)),
    ...foreignKeys.map((key) => part("constraint", foreignKeyText(key))),
    ...checks.map((check) => ({ kind: "check", object: `${name}.${check.name}`, text: "check" })),
    ...indexes.map(({ config }) => {
      const keys = config.columns.map((key) =>
        is(key, SQL) ? "expression" : is(key, PgColumn) || "name" in key ? key.name : ""
      )
      return {
        kind: "index",
        object: `${name}.${config.name ?? ""}`,
        text: `${config.unique ? "unique " : ""}${config.method ?? "btree"} (${keys.join(", ")})` +
          (config.where === undefined ? "" : " where …")
      }
    })
  ]
}
