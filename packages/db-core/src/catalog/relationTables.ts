import { type AnyRelations, is } from "drizzle-orm"
import { getTableConfig, PgTable } from "drizzle-orm/pg-core"

/** The tables of Drizzle's relations, as `schema.name`. */
export const relationTables = (relations: AnyRelations): ReadonlyArray<string> =>
  Object.values(relations).flatMap(({ table }) => {
    if (!is(table, PgTable)) return []
    const { name, schema } = getTableConfig(table)
    return [`${schema ?? "public"}.${name}`]
  }).toSorted()
