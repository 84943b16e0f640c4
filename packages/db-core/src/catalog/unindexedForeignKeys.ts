/**
 * Foreign keys whose referring rows no index finds: each delete of a referenced row, and each change of its key, reads
 * the whole referring table, and joins along the key do.
 *
 * A key of a partitioned table counts once, and is indexed when every partition's part of it is. Two keys over the same
 * columns of a table need one index and are one row.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { checkOf } from "./Check.ts"
import { manual } from "./Finding.ts"
import { indexesForeignKey } from "./ForeignKeyIndex.ts"
import { qualified, quoted } from "./Identifier.ts"
import { isUsers } from "./UserRelation.ts"

export interface UnindexedForeignKey {
  readonly schema: string
  readonly table: string
  readonly constraint: string
  readonly columns: ReadonlyArray<string>
  /** The referenced table, as `schema.name`. */
  readonly references: string
  readonly isPartitioned: boolean
  /** Of the referring table, as last estimated; 0 when it was never analysed. */
  readonly rows: number
  readonly isAnalyzed: boolean
  /** From the referenced table since the statistics began: each of them reads the referring table. */
  readonly deletes: number
  /** Of the referenced table, likewise; only those that change the key do. */
  readonly updates: number
  /**
   * A column is of another type than the one it refers to, and converted for each comparison: no index of the column
   * itself helps.
   */
  readonly isConverted: boolean
  /** A name for the index that no relation of the schema has: at most 63 bytes. */
  readonly indexName: string
}

export const unindexedForeignKeys: CatalogQuery<UnindexedForeignKey> = {
  name: "unindexed-foreign-keys",
  sql: () => `
with recursive tree (root, leaf) as (
  select k.oid, k.oid from pg_constraint k where k.contype = 'f' and k.conparentid = 0
  union all
  select t.root, k.oid from tree t join pg_constraint k on k.conparentid = t.leaf and k.contype = 'f'
),
part as (
  -- A key that refers to a partitioned table has a copy for each of its partitions, over the same referring columns.
  select distinct on (t.root, f.conrelid) t.root, f.oid, f.conrelid, f.conkey, f.conpfeqop
  from tree t
  join pg_constraint f on f.oid = t.leaf
  join pg_class c on c.oid = f.conrelid and c.relkind = 'r'
  order by t.root, f.conrelid, f.oid
),
referring as (
  select p.root, sum(greatest(c.reltuples, 0))::float8 as rows, bool_and(c.reltuples >= 0) as is_analyzed
  from part p join pg_class c on c.oid = p.conrelid group by p.root
),
referenced as (
  select t.root, sum(pg_stat_get_tuples_deleted(t.confrelid))::float8 as deletes,
    sum(pg_stat_get_tuples_updated(t.confrelid))::float8 as updates
  from (select distinct x.root, f.confrelid from tree x join pg_constraint f on f.oid = x.leaf) t group by t.root
),
bare as (
  select distinct p.root from part p
  where not exists (select from pg_index i where ${indexesForeignKey("i", "p")})
),
keyed as (
  select distinct on (k.conrelid, columns.sorted) k.*, columns.named, n.nspname, t.relname, t.relkind,
    substr(((repeat('x', 7) || t.relname || '_' || array_to_string(columns.named, '_'))::name)::text, 8) as stem
  from bare b
  join pg_constraint k on k.oid = b.root
  join pg_class t on t.oid = k.conrelid
  join pg_namespace n on n.oid = t.relnamespace
  cross join lateral (
    select array_agg(a.attname::text order by u.at) as named, array_agg(u.att order by u.att) as sorted
    from unnest(k.conkey) with ordinality u (att, at)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.att
  ) columns
  where ${isUsers("n", "t")}
  order by k.conrelid, columns.sorted, k.conname
),
numbered as (
  select k.*, row_number() over (partition by k.nspname, k.stem order by k.conname) as place from keyed k
)
select k.nspname::text as schema, k.relname::text as "table", k.conname::text as constraint, k.named as columns,
  format('%s.%s', rn.nspname, r.relname) as references,
  k.relkind = 'p' as "isPartitioned", s.rows, s.is_analyzed as "isAnalyzed", w.deletes, w.updates,
  exists (
    select from unnest(k.conkey, k.conpfeqop) u (att, operator)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.att
    join pg_type y on y.oid = a.atttypid
    join pg_operator o on o.oid = u.operator
    -- A domain is compared as what it is made of, and character varying as text, without a conversion.
    where o.oprright <> all (array[y.oid, y.typbasetype, 'anyarray'::regtype, 'anyenum'::regtype, 'anyrange'::regtype,
        'anymultirange'::regtype, 'record'::regtype])
      and not exists (
        select from pg_cast c
        where c.castsource = any (array[y.oid, y.typbasetype]) and c.casttarget = o.oprright and c.castmethod = 'b'
      )
  ) as "isConverted",
  (
    select free.name from (
      select k.stem || '_idx' || case when g = 0 then '' else g::text end as name, g from generate_series(
        -- As many as are taken and given away leave one that is free.
        0, k.place - 1 + (
          select count(*) from pg_class x where x.relnamespace = k.connamespace
            and x.relname >= (k.stem || '_idx')::name and x.relname < (k.stem || '_idy')::name
        )
      ) g
    ) free
    -- Counted, not "not exists": that would hash the whole of pg_class for each key.
    where 0 = (
      select count(*) from pg_class x where x.relname = free.name::name and x.relnamespace = k.connamespace
    )
    order by free.g offset k.place - 1 limit 1
  ) as "indexName"
from numbered k
join pg_class r on r.oid = k.confrelid
join pg_namespace rn on rn.oid = r.relnamespace
join referring s on s.root = k.oid
join referenced w on w.root = k.oid
order by s.rows desc, 1, 2, 3`
}

export const unindexedForeignKeyCheck = checkOf({
  name: "unindexed-foreign-key",
  title: "Foreign keys without an index on the referring side",
  query: unindexedForeignKeys,
  thresholds: {
    rows: { value: 10_000, unit: "count", source: "ours: reading fewer rows takes about a millisecond" },
    deletes: { value: 1, unit: "count", source: "ours: nobody waits for a scan that no delete asks for" }
  },
  judge: (rows, { limit }) =>
    rows.map((key) => {
      const { columns, constraint, deletes, indexName, isConverted, isPartitioned, references, schema, table } = key
      const name = `${schema}.${table}`
      const isFelt = key.rows >= limit("rows") && deletes >= limit("deletes")
      return {
        severity: isFelt ? "warn" : "info",
        object: { kind: "constraint", name: `${name}.${constraint}` },
        summary: `No index of ${name} begins with ${columns.join(", ")}, which refers to ${references}`,
        evidence: {
          table: name,
          columns: columns.join(", "),
          references,
          rows: key.isAnalyzed ? key.rows : null,
          deletes,
          updates: key.updates,
          isConverted
        },
        impact: `Each delete from ${references} reads all of ${name} and locks until it has` +
          (isConverted ? "; its type differs from the referenced one's, so that no plain index helps: alter it" : "") +
          (isPartitioned ? "; Postgres cannot build it concurrently over partitions: writers wait" : ""),
        remediation: isConverted ?
          null :
          `create index ${isPartitioned ? "" : "concurrently "}${quoted(indexName)} on ` +
          `${qualified(schema, table)} (${columns.map(quoted).join(", ")});`,
        documentation: manual("ddl-constraints.html#DDL-CONSTRAINTS-FK")
      }
    })
})
