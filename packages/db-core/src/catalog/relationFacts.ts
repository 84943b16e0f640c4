/**
 * What decides whether answers from a relation can be cached, and what else a write to it changes: triggers,
 * inheritance, foreign keys that act, row security. Of every relation that is not Postgres's own.
 */
import { changeTrigger, internalSchema, markSource } from "./internalSchema.ts"

export interface RelationFacts {
  readonly oid: bigint
  readonly schema: string
  readonly name: string
  /** As in `pg_class.relkind`. */
  readonly kind: string
  readonly rowSecurity: boolean
  /** Every write to it is noted in the change log. */
  readonly tracked: boolean
  /**
   * A write to it may do more: it has triggers of its users, or defaults, constraints or policies that call functions of
   * theirs.
   */
  readonly triggers: boolean
  /** A subscription writes to it, past statement triggers. */
  readonly subscribed: boolean
  readonly parents: string | null
  /** Tables whose rows change when its rows are deleted or get another key. */
  readonly cascades: string | null
  /** Settings that its policies read. */
  readonly policies: string | null
  /** The query of a view. */
  readonly definition: string | null
}

/** Bits of `pg_trigger.tgtype`: insert, delete, update, truncate; neither for each row, nor before, nor instead. */
const eachStatementAfterAnything = "t.tgtype & 127 = 60"

/** The trigger `t` notes every write. */
const notes = `t.tgname = '${changeTrigger}' and t.tgenabled = 'A' and t.tgqual is null and t.tgattr = ''
  and ${eachStatementAfterAnything} and t.tgfoid = (
    select m.oid from pg_proc m
    where m.oid = to_regprocedure('${internalSchema}.mark()') and m.prosecdef and m.prosrc = '${markSource}'
  )`

export const trackedTables = `
select n.nspname || '.' || c.relname as name
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where ${notes}
order by 1`

export const definitionsTracked = `
select count(*) = 2 as definitions from pg_event_trigger
where evtname in ('ems_ddl', 'ems_drop') and evtenabled = 'A'`

/** Lists of oids are text: the driver would make an object of each array. */
export const relationFacts = `
select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
  c.relrowsecurity as "rowSecurity",
  exists (
    select from pg_trigger t where t.tgrelid = c.oid and ${notes}
  ) as tracked,
  exists (
    select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgname <> '${changeTrigger}'
  ) or exists (
    -- Postgres's own functions are not in pg_depend.
    select from pg_depend d join pg_proc p on d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
    where p.provolatile <> 'i' and (
      d.classid = 'pg_attrdef'::regclass and d.objid in (select oid from pg_attrdef where adrelid = c.oid)
      or d.classid = 'pg_constraint'::regclass and d.objid in (select oid from pg_constraint where conrelid = c.oid)
      or d.classid = 'pg_policy'::regclass and d.objid in (select oid from pg_policy where polrelid = c.oid)
    )
  ) as triggers,
  exists (select from pg_subscription_rel s where s.srrelid = c.oid) as subscribed,
  (select string_agg(i.inhparent::text, ',') from pg_inherits i where i.inhrelid = c.oid) as parents,
  (
    select string_agg(f.conrelid::text, ',') from pg_constraint f
    where f.confrelid = c.oid and f.contype = 'f'
      and (f.confdeltype in ('c', 'n', 'd') or f.confupdtype in ('c', 'n', 'd'))
  ) as cascades,
  (
    select string_agg(coalesce(pg_get_expr(p.polqual, p.polrelid), ''), ' ; ') from pg_policy p where p.polrelid = c.oid
  ) as policies,
  case when c.relkind = 'v' then pg_get_viewdef(c.oid) end as definition
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', '${internalSchema}')`

export interface FunctionFacts {
  readonly name: string
  /** One of this name may give another answer each time, or do something. */
  readonly volatile: boolean
  /** One of this name is not Postgres's own: it may read tables. */
  readonly foreign: boolean
  /** It is called where its name stands without parentheses: a type that a function makes, by a cast. */
  readonly type: boolean
}

/** For a cast that needs no name in the text. */
export const implicitCast = "(implicit cast)"

/**
 * By name: functions whose answer may depend on more than their arguments, aggregates and operators made of such, and
 * types that such a function casts to.
 */
export const functionFacts = `
select p.proname::text as name, bool_or(p.provolatile = 'v') as volatile,
  bool_or(n.nspname <> 'pg_catalog') as foreign, false as type
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.provolatile <> 'i' and n.nspname not in ('information_schema', '${internalSchema}')
group by p.proname
union all
select a.proname::text, bool_or(p.provolatile = 'v'), true, false
from pg_aggregate g join pg_proc a on a.oid = g.aggfnoid join pg_namespace n on n.oid = a.pronamespace
join pg_proc p on p.oid in (
  g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn)
where p.provolatile <> 'i' and n.nspname <> 'pg_catalog'
group by a.proname
union all
select distinct o.oprname::text, p.provolatile = 'v', true, false
from pg_operator o join pg_namespace n on n.oid = o.oprnamespace join pg_proc p on p.oid = o.oprcode
where p.provolatile <> 'i' and n.nspname <> 'pg_catalog'
union all
select distinct case when c.castcontext = 'i' then '${implicitCast}' else t.typname::text end,
  p.provolatile = 'v', true, true
from pg_cast c join pg_type t on t.oid = c.casttarget join pg_proc p on p.oid = c.castfunc
join pg_namespace n on n.oid = p.pronamespace
where p.provolatile <> 'i' and n.nspname <> 'pg_catalog'`
