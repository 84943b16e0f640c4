/**
 * SQL that catalog queries about tables and indexes share: which of them are the users', and how big one is.
 */

/**
 * Not Postgres's own, not a session's temporary one, and not made by an extension, whose objects cannot be altered on
 * their own. `schema` and `relation` are aliases of `pg_namespace` and `pg_class`; the relation is the table, also in
 * queries about its indexes.
 */
export const isUsers = (schema: string, relation: string): string =>
  `${schema}.nspname !~ '^pg_' and ${schema}.nspname <> 'information_schema'
  and ${relation}.oid not in (
    select e.objid from pg_depend e where e.classid = 'pg_class'::regclass and e.deptype = 'e'
  )`

/**
 * Held or waited for exclusively. Any function that measures a relation takes a lock on it, and would wait behind an
 * `alter table` or `vacuum full` until this query is given up.
 */
const locked = `select l.relation from pg_locks l
    where l.mode = 'AccessExclusiveLock' and l.relation is not null
      and l.database = (select d.oid from pg_database d where d.datname = current_database())`

/** No exclusive lock is held or waited for on the relation of that oid. */
export const isOpen = (oid: string): string => `${oid} not in (${locked})`

/**
 * What `expression` gives; null while the relation of that oid is locked exclusively. For the functions that write out
 * expressions, which lock the table they are about: `pg_get_expr`, `pg_get_indexdef`, `pg_get_constraintdef`.
 */
export const whenOpen = (oid: string, expression: string): string => `case when ${isOpen(oid)} then ${expression} end`

/**
 * Bytes of `relation`, an alias of `pg_class`, with its free space and visibility maps and without its indexes and
 * TOAST. Of one that is locked exclusively, what its last VACUUM or ANALYZE noted.
 */
export const bytesOf = (relation: string): string =>
  `case when ${relation}.relkind in ('p', 'I') then 0
    when ${isOpen(`${relation}.oid`)} then (
      select coalesce(sum(pg_relation_size(${relation}.oid, f.fork)), 0)
      from unnest(array['main', 'fsm', 'vm', 'init']) f (fork)
    )::float8
    else ${relation}.relpages * current_setting('block_size')::float8
  end`
