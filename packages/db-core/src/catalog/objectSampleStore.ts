/**
 * Where object samples are kept, and whether this role gets at them.
 */
import { internalSchema } from "./internalSchema.ts"

export const objectSample = `${internalSchema}.object_sample`

const store = `from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = '${internalSchema}' and c.relname = 'object_sample'`

export const storePresent = `exists (select ${store})`

/** By the catalog: `to_regclass` fails for who may not look into the schema. */
export const storeAllows = (...privileges: ReadonlyArray<"select" | "insert" | "delete">): string =>
  `exists (
    select ${store} and has_schema_privilege(n.oid, 'usage')
      ${privileges.map((privilege) => `and has_table_privilege(c.oid, '${privilege}')`).join(" ")}
  )`

/** Samples of a database say nothing of its copy. */
export const ourDatabase = "(select oid from pg_database where datname = current_database())"
