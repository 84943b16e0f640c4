/**
 * Tables without a primary key: rows cannot be told apart, and logical replication cannot carry updates and deletes of
 * them. A partition has its parent's.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { qualified, quoted } from "./Identifier.ts"
import { internalSchema } from "./internalSchema.ts"
import { isUsers } from "./UserRelation.ts"

export interface WithoutPrimaryKey {
  readonly schema: string
  readonly table: string
  readonly isPartitioned: boolean
  /** As last estimated; null when it was never analysed. */
  readonly rows: number | null
  /** A unique index of columns that are never null, which can become the primary key as it is. */
  readonly candidate: string | null
  /** A publication carries its updates or deletes, and no replica identity says how: they fail. */
  readonly isRefused: boolean
}

export const withoutPrimaryKey: CatalogQuery<WithoutPrimaryKey> = {
  name: "without-primary-key",
  sql: () => `
select n.nspname::text as schema, c.relname::text as "table", c.relkind = 'p' as "isPartitioned",
  nullif(c.reltuples, -1)::float8 as rows,
  -- What ALTER TABLE … ADD PRIMARY KEY USING INDEX takes: see its documentation.
  case when c.relkind = 'r' then (
    select x.relname::text
    from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am am on am.oid = x.relam
    where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and not i.indnullsnotdistinct
      and i.indpred is null and i.indexprs is null and am.amname = 'btree'
      and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
      and not exists (
        select from generate_series(0, i.indnkeyatts - 1) k
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[k]
        join pg_opclass oc on oc.oid = i.indclass[k]
        where not a.attnotnull or i.indoption[k] <> 0 or not oc.opcdefault or i.indcollation[k] <> a.attcollation
      )
    order by i.indnkeyatts, x.relname limit 1
  ) end as candidate,
  c.relreplident in ('n', 'd') and exists (
    select from pg_publication p
    where (p.pubupdate or p.pubdelete) and (p.puballtables or exists (
      select from pg_publication_tables pt
      where pt.pubname = p.pubname and pt.schemaname = n.nspname and pt.tablename = c.relname
    ))
  ) as "isRefused"
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and ${isUsers("n", "c")}
  -- Our own log is not replicated, and a key would only slow down those who write.
  and not (n.nspname = '${internalSchema}' and c.relpersistence = 'u')
  and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
order by c.reltuples desc, 1, 2`
}

export const noPrimaryKeyCheck = checkOf({
  name: "no-primary-key",
  title: "Tables without a primary key",
  query: withoutPrimaryKey,
  thresholds: {},
  judge: (rows) =>
    rows.map(({ candidate, isRefused, rows: count, schema, table }) => ({
      severity: isRefused ? "error" : "warn",
      object: { kind: "table", name: `${schema}.${table}` },
      summary: isRefused
        ? `${schema}.${table} is published without a replica identity: updates or deletes of it fail`
        : `${schema}.${table} has no primary key`,
      evidence: {
        rows: count,
        candidate: candidate === null ? null : `${schema}.${candidate}`,
        isPublished: isRefused
      },
      impact:
        "The same row can be there twice, nothing can refer to one, and logical replication refuses its updates " +
        "and deletes",
      remediation: candidate === null
        ? null
        : `alter table ${qualified(schema, table)} add primary key using index ${quoted(candidate)};`,
      documentation: manual("ddl-constraints.html#DDL-CONSTRAINTS-PRIMARY-KEYS")
    }))
})
