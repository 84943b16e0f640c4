/** `emsdb init --json`: what was already there, and what this run made. Run again, it makes nothing. */
import * as Schema from "effect/Schema"
import { Migrate } from "./Migrate.ts"
import { Count, DatabaseName, DatabaseNames, QualifiedNames } from "./Scalars.ts"

export const Init = Schema.Struct({
  database: Schema.Struct({
    name: DatabaseName,
    /** True when this run created it. */
    created: Schema.Boolean
  }),
  /** Where the product keeps its own records. */
  schema: Schema.Struct({
    name: Schema.Literal("ems_internal"),
    /** True when this run created it. */
    created: Schema.Boolean
  }),
  migrations: Migrate,
  /** What the query cache reads of writes; null where only time bounds its answers. */
  changeLog: Schema.NullOr(Schema.Struct({
    /** Tables whose writes are noted, as `schema.name`. */
    tracked: QualifiedNames,
    /** Those that this run added. */
    added: QualifiedNames,
    /** Changed definitions are noted as well; else they are found within a second. */
    definitions: Schema.Boolean
  })),
  /** The catalog's indexes. After a run without findings `missing` and `invalid` are empty. */
  indexes: Schema.Struct({
    /** Valid before this run and left alone. */
    present: DatabaseNames,
    /** Built by this run. */
    created: DatabaseNames,
    /** Not there after this run. */
    missing: DatabaseNames,
    /** There, and not usable by queries: a build that was interrupted. */
    invalid: DatabaseNames
  }),
  statistics: Schema.Struct({
    /** Tables analysed by this run. */
    analyzed: Count
  })
})
export type Init = typeof Init.Type
