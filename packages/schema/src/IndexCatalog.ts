/**
 * The indexes that the product promises, read from the tables themselves.
 *
 * A declared index named `idx_…` is in the catalog: maintenance looks for it, builds it when it is missing and rebuilds
 * it when it is invalid, at any time and without a migration. Every other index belongs to its table (those behind
 * primary keys and unique constraints, the look-ups of the refresh tokens) and changes only with a migration.
 */
import { is, SQL } from "drizzle-orm"
import { getTableConfig, type Index, IndexedColumn, PgDialect, type PgTable } from "drizzle-orm/pg-core"
import { tables } from "./relations.ts"

/** One index as plain data: everything needed to build it or to compare it with what a database holds. */
export interface CatalogIndex {
  readonly name: string
  readonly schema: string
  readonly table: string
  /** The index's keys in order, each as it stands in CREATE INDEX: a column's name, or an expression in parentheses. */
  readonly columns: ReadonlyArray<string>
  readonly unique: boolean
  /** The access method, `btree` unless the table says otherwise. */
  readonly method: string
  /** The condition of a partial index as SQL; null when the index covers every row. */
  readonly predicate: string | null
  /** Why the index is kept although an advisor would call it redundant; null for the others. */
  readonly intentional: string | null
}

/** What makes an index part of the catalog. */
const catalogPrefix = "idx_"

/** Indexes that another one covers and that stay, each with its reason. */
const reasonsToKeep: Readonly<Record<string, string>> = {
  idx_registrations_user_id:
    "A left prefix of idx_registrations_user_event, kept because equal keys share an entry in it: with five "
    + "registrations a user it is about a third of the size, and lists of one user's registrations read it"
}

const dialect = new PgDialect()

/** SQL without parameters, columns by their bare names: DDL takes neither placeholders nor table qualifiers. */
const render = (expression: SQL): string => {
  const query = dialect.sqlToQuery(expression, "indexes")
  if (query.params.length > 0) throw new Error(`An index cannot have parameters, write them as literals: ${query.sql}`)
  return query.sql
}

/** Leaves out what Postgres assumes: ascending has nulls last, descending has nulls first. */
const renderKey = (key: Partial<IndexedColumn | SQL>): string => {
  if (is(key, SQL)) return `(${render(key)})`
  if (!is(key, IndexedColumn)) throw new Error("An index key is neither a column nor an expression")
  const { nulls = "last", opClass, order = "asc" } = key.indexConfig
  const usualNulls = order === "asc" ? "last" : "first"
  return [
    key.name,
    ...(opClass === undefined ? [] : [opClass]),
    ...(order === "asc" ? [] : ["DESC"]),
    ...(nulls === usualNulls ? [] : [`NULLS ${nulls.toUpperCase()}`])
  ].join(" ")
}

const describe = (table: PgTable, { config }: Index): CatalogIndex => {
  const { name: tableName, schema } = getTableConfig(table)
  if (config.name === undefined) throw new Error(`An index of ${tableName} has no name`)
  return {
    name: config.name,
    schema: schema ?? "public",
    table: tableName,
    columns: config.columns.map(renderKey),
    unique: config.unique,
    method: config.method ?? "btree",
    predicate: config.where === undefined ? null : render(config.where),
    intentional: reasonsToKeep[config.name] ?? null
  }
}

/** Every index declared on these tables, in the order of their declaration. Without those behind constraints. */
export const declaredIndexes = (of: ReadonlyArray<PgTable>): ReadonlyArray<CatalogIndex> =>
  of.flatMap((table) => getTableConfig(table).indexes.map((index) => describe(table, index)))

/** The catalog: 17 indexes on users, events, registrations and payment_history. */
export const indexCatalog: ReadonlyArray<CatalogIndex> = declaredIndexes(Object.values(tables))
  .filter((index) => index.name.startsWith(catalogPrefix))
