/**
 * Indexes that no query can use although writes still keep them: what a concurrent build or rebuild left that failed.
 *
 * `CREATE INDEX CONCURRENTLY` leaves its own name, `REINDEX CONCURRENTLY` a twin with `_ccnew` or `_ccold` behind its
 * name. One that is being built now looks the same in the catalog and is told apart by its progress, whatever its
 * statement looks like. An index of a partitioned table without all of its parts is invalid as well, and has nothing
 * to rebuild: its parts have.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { qualified } from "./Identifier.ts"
import { builderOf, isTwin } from "./IndexBuild.ts"
import { bytesOf, isUsers, whenOpen } from "./UserRelation.ts"

export interface InvalidIndex {
  readonly schema: string
  readonly table: string
  readonly name: string
  readonly bytes: number
  /** What would build it again; null while somebody has locked its table exclusively. */
  readonly definition: string | null
  /** It is the twin of another one that is being, or was to be, rebuilt. */
  readonly isLeftover: boolean
  readonly isPartitioned: boolean
  /** A constraint needs it: it can be rebuilt, not dropped. */
  readonly backsConstraint: boolean
}

export const invalidIndexes: CatalogQuery<InvalidIndex> = {
  name: "invalid-indexes",
  sql: () => `
select n.nspname::text as schema, t.relname::text as "table", c.relname::text as name,
  ${bytesOf("c")} as bytes,
  ${whenOpen("i.indrelid", "pg_get_indexdef(i.indexrelid)")} as definition,
  ${isTwin("c.relname")} as "isLeftover",
  c.relkind = 'I' as "isPartitioned",
  exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')) as "backsConstraint"
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where not (i.indisvalid and i.indisready and i.indislive)
  and ${isUsers("n", "t")}
  and ${builderOf("i.indexrelid")} is null
order by 1, 2, 3`
}

export const invalidIndexCheck = checkOf({
  name: "invalid-index",
  title: "Indexes that no query can use",
  query: invalidIndexes,
  thresholds: {},
  judge: (rows) =>
    rows.map(({ backsConstraint, bytes, definition, isLeftover, isPartitioned, name, schema, table }) => {
      const index = qualified(schema, name)
      return {
        severity: isPartitioned ? "warn" : "error",
        object: { kind: "index", name: `${schema}.${name}` },
        summary: isPartitioned
          ? `${schema}.${name} lacks an index on a partition of ${schema}.${table}`
          : `${schema}.${name} on ${schema}.${table} was not built to its end`,
        evidence: { table: `${schema}.${table}`, bytes, definition },
        impact: isPartitioned
          ? "Queries on partitions without it scan them"
          : "Every write of its table keeps it, and no query uses it",
        remediation: isPartitioned
          ? null
          : isLeftover && !backsConstraint
          ? `drop index concurrently ${index};`
          : `reindex index concurrently ${index};`,
        documentation: manual("sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY")
      }
    })
})
