/**
 * How much is left of sequences, and of the columns that they fill: what comes first of the sequence's own end, the
 * type of its column, and the type of a column that refers to that one. A `serial` column that was made `bigint` keeps
 * a sequence of type `integer`.
 *
 * Keys without a sequence are not in it: their largest value is in no catalog.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"

export interface SequenceExhaustion {
  readonly schema: string
  readonly sequence: string
  /** The column it fills, by ownership, as identity, or by its default; null for a sequence used otherwise. */
  readonly tableSchema: string | null
  readonly table: string | null
  readonly column: string | null
  readonly columnType: string | null
  readonly sequenceType: string
  readonly isIdentity: boolean
  readonly increment: number
  /** Null while it was never called or is being altered, and where this role may not read it. */
  readonly lastValue: number | null
  /** The last value that can be used. Exact to 2^53. */
  readonly limit: number
  readonly limitedBy: "sequence" | "column" | "reference"
  /** A column that refers to it and has no more room, as `schema.table.column`. */
  readonly reference: string | null
  /** Of the way from its start to the limit: from 0 to 1. */
  readonly share: number
  /** Values that can still be used. */
  readonly remaining: number
  /** At its own end it begins again, so that old values come twice. */
  readonly isCycle: boolean
}

export const sequenceExhaustion: CatalogQuery<SequenceExhaustion> = {
  name: "sequence-exhaustion",
  notes: () => ["a sequence that this role may not read, or that is being altered, counts as never called"],
  sql: () => `
with widths (type, lowest, highest) as (values
  ('int2'::regtype::oid, -32768::numeric, 32767::numeric),
  ('int4'::regtype::oid, -2147483648, 2147483647),
  ('int8'::regtype::oid, -9223372036854775808, 9223372036854775807)
),
columns as not materialized (
  select a.attrelid, a.attnum, a.attname, w.type, w.lowest, w.highest
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  left join widths w on w.type = coalesce(nullif(t.typbasetype, 0), t.oid)
  where a.attnum > 0 and not a.attisdropped
),
uses as (
  select d.objid as sequence, d.refobjid as relation, d.refobjsubid as attribute, d.deptype = 'i' as identity
  from pg_depend d
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    and d.refobjsubid > 0
  union
  -- By a default alone, as of a sequence that several tables share.
  select d.refobjid, f.adrelid, f.adnum, false
  from pg_depend d join pg_attrdef f on f.oid = d.objid
  where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'n'
    and not exists (
      select from pg_depend o where o.classid = 'pg_class'::regclass and o.objid = d.refobjid and o.deptype in ('a', 'i')
        and o.refobjid = f.adrelid and o.refobjsubid = f.adnum)
),
altered as (
  select l.relation from pg_locks l
  where l.relation is not null and l.pid is distinct from pg_backend_pid()
    and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    and l.database = (select oid from pg_database where datname = current_database())
),
-- Of each column that others refer to, the narrowest of those.
referring as materialized (
  select distinct on (f.confrelid, p.parent) f.confrelid, p.parent, k.lowest, k.highest,
    n.nspname || '.' || c.relname || '.' || k.attname as name
  from pg_constraint f cross join lateral unnest(f.conkey, f.confkey) as p (child, parent)
  join columns k on k.attrelid = f.conrelid and k.attnum = p.child
  join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
  where f.contype = 'f' and k.type is not null
  order by f.confrelid, p.parent, k.highest, name
),
used as (
  select s.*, c.oid, c.relname, c.relnamespace, u.relation, u.attribute, coalesce(u.identity, false) as identity,
    k.attname, k.type, k.lowest, k.highest,
    -- As pg_sequences does it, but for those that a standby cannot read, and those that it would have to wait for.
    case when has_sequence_privilege(c.oid, 'select, usage') and (c.relpersistence = 'p' or not pg_is_in_recovery())
      and c.oid not in (select relation from altered)
      then pg_sequence_last_value(c.oid) end::numeric as last
  from pg_sequence s
  join pg_class c on c.oid = s.seqrelid
  left join uses u on u.sequence = c.oid
  left join columns k on k.attrelid = u.relation and k.attnum = u.attribute
  where c.relpersistence <> 't'
),
ends as (
  select u.*, u.seqincrement > 0 as up,
    case when u.seqincrement > 0 then u.seqmax else u.seqmin end::numeric as own_end,
    case when u.seqincrement > 0 then u.highest else u.lowest end as column_end,
    r.name as reference, case when u.seqincrement > 0 then r.highest else r.lowest end as reference_end
  from used u left join referring r on r.confrelid = u.relation and r.parent = u.attribute
),
limits as (
  select e.*,
    case when up then least(own_end, column_end, reference_end) else greatest(own_end, column_end, reference_end) end as finish,
    -- A sequence may have been set back behind its start.
    case when up then least(seqstart, last) else greatest(seqstart, last) end::numeric as start
  from ends e
)
select n.nspname::text as schema, l.relname::text as sequence, tn.nspname::text as "tableSchema",
  t.relname::text as "table", l.attname::text as "column",
  (select format_type(a.atttypid, a.atttypmod) from pg_attribute a
    where a.attrelid = l.relation and a.attnum = l.attribute) as "columnType",
  format_type(l.seqtypid, null) as "sequenceType", l.identity as "isIdentity", l.seqincrement::float8 as increment,
  l.last::float8 as "lastValue", l.finish::float8 as "limit",
  -- Of equal ends the column's: changing the sequence alone would gain nothing.
  case l.finish when l.column_end then 'column' when l.own_end then 'sequence' else 'reference' end as "limitedBy",
  case when l.finish = l.reference_end then l.reference end as reference,
  case when l.last is null then 0
    when l.finish = l.start then 1
    else least(abs(l.last - l.start) / abs(l.finish - l.start), 1) end::float8 as share,
  case when l.last is null then trunc(abs(l.finish - l.seqstart) / abs(l.seqincrement)) + 1
    else greatest(trunc((l.finish - l.last) / l.seqincrement), 0) end::float8 as remaining,
  l.seqcycle and l.finish = l.own_end as "isCycle"
from limits l
join pg_namespace n on n.oid = l.relnamespace
left join pg_class t on t.oid = l.relation
left join pg_namespace tn on tn.oid = t.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by share desc, 1, 2, 4, 5`
}
