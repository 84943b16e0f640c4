/** What the database has of tables, in the words of `declaredTables`. */
import { type AnyRelations, sql } from "drizzle-orm"
import * as Effect from "effect/Effect"
import { changeTrigger, internalSchema } from "../../catalog/internalSchema.ts"
import type { SchemaDumpRow } from "../../catalog/schemaDump.ts"
import type { Handle } from "../../connection/Database.ts"
import type { DeclaredColumn } from "./declaredTables.ts"

type Db = Handle<AnyRelations>

interface Part extends Record<string, unknown> {
  readonly kind: string
  readonly object: string
  readonly text: string
}

const texts = (values: ReadonlyArray<string>) => sql.join(values.map((value) => sql`${value}`), sql`, `)

/** Tables of these schemas with their constraints and indexes; partitions belong to their table. */
export const liveParts = (db: Db, schemas: ReadonlyArray<string>) =>
  Effect.map(
    db.execute<Part>(sql`
with tables as (
  select c.oid, n.nspname || '.' || c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in (${texts(schemas)})
    and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
), parts as (
  select 'table' as kind, name as object, 'table' as text from tables
  union all
  select 'constraint', t.name || ': ' || d.text, d.text
  from tables t join pg_constraint k on k.conrelid = t.oid cross join lateral (
    select case k.contype when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key' end || ' ('
      || (select string_agg(a.attname, ', ' order by u.at) from unnest(k.conkey) with ordinality u(num, at)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num) || ')'
      || case when k.contype = 'f' then ' references ' || (
          select rn.nspname || '.' || r.relname from pg_class r join pg_namespace rn on rn.oid = r.relnamespace
          where r.oid = k.confrelid) || ' ('
        || (select string_agg(a.attname, ', ' order by u.at) from unnest(k.confkey) with ordinality u(num, at)
          join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num) || ')'
        || ' on delete ' || case k.confdeltype when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
          when 'n' then 'set null' else 'set default' end
        || ' on update ' || case k.confupdtype when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
          when 'n' then 'set null' else 'set default' end
      else '' end as text) d
  where k.contype in ('p', 'u', 'f') and k.conparentid = 0
  union all
  select 'check', t.name || '.' || k.conname, 'check' || case when k.convalidated then '' else ', not valid' end
  from tables t join pg_constraint k on k.conrelid = t.oid where k.contype = 'c'
  union all
  select 'index', t.name || '.' || c.relname, case when i.indisunique then 'unique ' else '' end || m.amname || ' ('
    || (select string_agg(coalesce(a.attname, 'expression'), ', ' order by u.at)
      from unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) with ordinality u(num, at)
      left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.num and u.num > 0) || ')'
    || case when i.indpred is null then '' else ' where …' end
    || case when i.indisvalid then '' else ', not usable' end
  from tables t join pg_index i on i.indrelid = t.oid join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
  where not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
)
select kind, object, text from parts`),
    ({ rows }) => rows
  )

/** Columns, each with the type that was declared for it as this server spells it. */
export const liveColumns = (db: Db, tables: ReadonlyArray<string>, declared: ReadonlyArray<DeclaredColumn>) =>
  Effect.map(
    db.execute<{ object: string; expected: string | null; actual: string | null }>(sql`
with declared as (
  select * from json_to_recordset(${JSON.stringify(declared)}::json)
    as d("table" text, name text, type text, "notNull" boolean, "hasDefault" boolean)
), spelled as (
  select "table" || '.' || name as object, coalesce(
      -- Its limits stand where Postgres writes them: timestamp(3) with time zone.
      (select regexp_replace(to_regtype(regexp_replace(type, '\\s*\\(.*?\\)', ''))::text, '^([a-z]+( varying)?|"char")',
        '\\1' || coalesce(replace(substring(type from '\\(.*?\\)'), ' ', ''), ''))), type)
    || case when "notNull" then ' not null' else '' end || case when "hasDefault" then ' default' else '' end as text
  from declared
), live as (
  select n.nspname || '.' || c.relname || '.' || a.attname as object, format_type(a.atttypid, a.atttypmod)
    || case when a.attnotnull then ' not null' else '' end
    || case when a.atthasdef or a.attidentity <> '' then ' default' else '' end as text
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname || '.' || c.relname in (${texts(tables)}) and a.attnum > 0 and not a.attisdropped
)
select object, s.text as expected, l.text as actual from spelled s full join live l using (object)
where s.text is distinct from l.text order by 1`),
    ({ rows }) => rows
  )

/** What the data layer adds to a database, and journals: not of the migrations. */
export const isOwn = ({ definition, kind, name }: SchemaDumpRow): boolean =>
  (kind === "trigger" && name.endsWith(`.${changeTrigger}`)) || definition.includes(`${internalSchema}.`)
