/**
 * A dump of a database's structure that is the same text wherever it is taken.
 *
 * Postgres describes its own objects (`pg_get_*def`), we only sort them. So two databases with equal dumps have equal
 * structure, whichever way they came to it. Names are qualified and settings that change the text are fixed inside the
 * query, so the session it runs in makes no difference.
 *
 * Compared on Postgres 15 and 18: the same text for tables, constraints, indexes, functions and triggers; only views
 * differ, as 15 qualifies every column. Left out: objects of extensions, privileges and owners, row security
 * policies, domains and composite types, bounds of partitions, storage parameters, and NOT NULL as constraints of their
 * own (Postgres 18 lists them, older ones do not; the column says it).
 */

/** One object: `definition` is its statement without the semicolon. */
export interface SchemaDumpRow {
  readonly kind: string
  readonly name: string
  readonly definition: string
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * The query for these schemas; it takes no parameters and returns rows of `SchemaDumpRow` in the order of the dump.
 *
 * Run it outside a transaction: its settings last until the end of the one it runs in.
 */
export const schemaDumpSqlFor = (schemas: ReadonlyArray<string>): string => `
with settings as materialized (
  select set_config('search_path', '', true), set_config('TimeZone', 'UTC', true),
    set_config('DateStyle', 'ISO, MDY', true), set_config('IntervalStyle', 'postgres', true),
    set_config('extra_float_digits', '1', true), set_config('quote_all_identifiers', 'off', true)
), spaces as materialized (
  select n.oid, n.nspname, quote_ident(n.nspname) || '.' as prefix
  from settings cross join pg_namespace n
  where n.nspname = any (array[${schemas.map(literal).join(", ")}]::name[])
), owned_by_extension as materialized (
  select classid, objid from pg_depend where deptype = 'e'
), relations as materialized (
  select c.oid, c.relname, c.relkind, c.relpersistence, s.prefix, s.prefix || quote_ident(c.relname) as name
  from pg_class c join spaces s on s.oid = c.relnamespace
  where not exists (select from owned_by_extension e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
), sequences as materialized (
  select q.seqrelid, concat_ws(' ',
    'AS ' || format_type(q.seqtypid, null), 'INCREMENT BY ' || q.seqincrement, 'MINVALUE ' || q.seqmin,
    'MAXVALUE ' || q.seqmax, 'START WITH ' || q.seqstart, 'CACHE ' || q.seqcache,
    case when q.seqcycle then 'CYCLE' end) as options
  from pg_sequence q join relations r on r.oid = q.seqrelid
), column_sequences as materialized (
  select d.refobjid as table_oid, d.refobjsubid as attnum, d.deptype, r.name, q.seqrelid, q.options
  from pg_depend d join sequences q on q.seqrelid = d.objid join relations r on r.oid = q.seqrelid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('i', 'a')
), columns as (
  select a.attrelid, a.attnum, concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
    case when a.attcollation <> t.typcollation
      then (select 'COLLATE ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname)
        from pg_collation l join pg_namespace n on n.oid = l.collnamespace where l.oid = a.attcollation) end,
    case when a.attidentity = '' then null else 'GENERATED ' || case a.attidentity when 'a' then 'ALWAYS'
      else 'BY DEFAULT' end || ' AS IDENTITY (SEQUENCE NAME ' || i.name
      || replace(regexp_replace(i.options, '^AS \\S+', ''),
        ' INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1', '') || ')' end,
    case when a.attgenerated <> '' then 'GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ')'
      || case a.attgenerated when 's' then ' STORED' else ' VIRTUAL' end
      else 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) end,
    case when a.attnotnull then 'NOT NULL' end) as definition
  from pg_attribute a join relations r on r.oid = a.attrelid join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join column_sequences i on i.table_oid = a.attrelid and i.attnum = a.attnum and i.deptype = 'i'
  where a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'p', 'f')
), comments as (
  select c.objoid, c.classoid, c.objsubid, c.description from pg_description c cross join settings
  where c.classoid = 'pg_class'::regclass and c.objoid in (select oid from relations)
    or c.classoid = 'pg_constraint'::regclass
      and c.objoid in (select k.oid from pg_constraint k join relations r on r.oid = k.conrelid)
    or c.classoid = 'pg_trigger'::regclass
      and c.objoid in (select g.oid from pg_trigger g join relations r on r.oid = g.tgrelid)
    or c.classoid = 'pg_proc'::regclass
      and c.objoid in (select p.oid from pg_proc p join spaces s on s.oid = p.pronamespace)
    or c.classoid = 'pg_type'::regclass
      and c.objoid in (select t.oid from pg_type t join spaces s on s.oid = t.typnamespace)
), objects as (
  select 1 as place, 'schema' as kind, quote_ident(s.nspname) as name, 0 as part,
    'CREATE SCHEMA ' || quote_ident(s.nspname) as definition
  from spaces s where s.nspname <> 'public'
  union all
  select 2, 'enum', s.prefix || quote_ident(t.typname), 0,
    'CREATE TYPE ' || s.prefix || quote_ident(t.typname) || ' AS ENUM ('
      || coalesce((select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e
        where e.enumtypid = t.oid), '') || ')'
  from pg_type t join spaces s on s.oid = t.typnamespace
  where t.typtype = 'e'
    and not exists (select from owned_by_extension e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
  union all
  select 3, 'sequence', r.name, 0, 'CREATE SEQUENCE ' || r.name || ' ' || q.options
  from sequences q join relations r on r.oid = q.seqrelid
  where not exists (select from column_sequences i where i.seqrelid = q.seqrelid and i.deptype = 'i')
  union all
  select 4, 'function', p.oid::regprocedure::text, 0, rtrim(pg_get_functiondef(p.oid), E'\\n')
  from pg_proc p join spaces s on s.oid = p.pronamespace
  where p.prokind in ('f', 'p')
    and not exists (select from owned_by_extension e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
  union all
  select 5, 'table', r.name, 0,
    'CREATE ' || case r.relpersistence when 'u' then 'UNLOGGED ' else '' end
      || case r.relkind when 'f' then 'FOREIGN ' else '' end || 'TABLE ' || r.name || ' ('
      || coalesce((select string_agg(E'\\n  ' || c.definition, ',' order by c.attnum) from columns c
        where c.attrelid = r.oid), '') || E'\\n)'
      || coalesce(' PARTITION BY ' || case when r.relkind = 'p' then pg_get_partkeydef(r.oid) end, '')
  from relations r where r.relkind in ('r', 'p', 'f')
  union all
  select 6, 'sequence owner', i.name, 0, 'ALTER SEQUENCE ' || i.name || ' OWNED BY ' || r.name || '.'
    || quote_ident(a.attname)
  from column_sequences i join relations r on r.oid = i.table_oid
  join pg_attribute a on a.attrelid = i.table_oid and a.attnum = i.attnum
  where i.deptype = 'a'
  union all
  select 7, 'constraint', r.name || '.' || quote_ident(k.conname), case k.contype when 'f' then 1 else 0 end,
    'ALTER TABLE ' || r.name || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)
  from pg_constraint k join relations r on r.oid = k.conrelid
  where k.contype in ('p', 'u', 'c', 'x', 'f')
  union all
  select 8, case r.relkind when 'm' then 'materialized view' else 'view' end, r.name, 0,
    'CREATE ' || case r.relkind when 'm' then 'MATERIALIZED ' else '' end || 'VIEW ' || r.name || E' AS\\n'
      || rtrim(pg_get_viewdef(r.oid), ';')
  from relations r where r.relkind in ('v', 'm')
  union all
  select 9, 'index', r.prefix || quote_ident(c.relname), 0,
    pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' /* invalid */' end
  from pg_index i join relations r on r.oid = i.indrelid join pg_class c on c.oid = i.indexrelid
  where not exists (
    select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
  union all
  select 10, 'trigger', r.name || '.' || quote_ident(g.tgname), 0,
    pg_get_triggerdef(g.oid) || case g.tgenabled when 'D' then ' /* disabled */' else '' end
  from pg_trigger g join relations r on r.oid = g.tgrelid
  where not g.tgisinternal
  union all
  select 11, 'comment', o.type || ' ' || o.identity, 0,
    'COMMENT ON ' || case o.type when 'table column' then 'COLUMN' when 'view column' then 'COLUMN'
      when 'table constraint' then 'CONSTRAINT' else upper(o.type) end || ' ' || o.identity || ' IS '
      || quote_literal(c.description)
  from comments c cross join lateral pg_identify_object(c.classoid, c.objoid, c.objsubid) o
)
select o.kind, o.name, o.definition from settings cross join objects o
order by o.place, o.part, o.name collate "C", o.definition collate "C"
`

/** The query for the schema `public`. Our own bookkeeping and the migration journal live in other schemas. */
export const schemaDumpSql: string = schemaDumpSqlFor(["public"])

const header = "-- The structure of the database. Generated from a migrated database: never edit it by hand.\n"

/** The rows as one text: SQL that builds the same structure in an empty database. Ends with a line break. */
export const renderSchemaDump = (rows: ReadonlyArray<SchemaDumpRow>): string =>
  [header, ...rows.map((row) => `-- ${row.kind}: ${row.name}\n${row.definition};\n`)].join("\n")
