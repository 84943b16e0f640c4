/**
 * Which index finds the rows that a foreign key refers from: what a delete of a referenced row, and a change of its
 * key, looks for.
 */
import { whenOpen } from "./UserRelation.ts"

/**
 * `index` and `key` are aliases of `pg_index` and of a `pg_constraint` of type `f`.
 *
 * The key's columns are the index's first ones, in any order: each is compared for equality. So the index has to know
 * the very operator that the constraint compares with, which those of BRIN and GIN cannot do well enough and one on an
 * expression cannot do at all. A partial index counts when it leaves out only rows where a column of the key is null:
 * they refer to nothing, and the comparison itself tells the planner that the index has all the others. While the table
 * is locked exclusively its condition cannot be read, and it is taken to be one of these.
 */
export const indexesForeignKey = (index: string, key: string): string =>
  `${index}.indrelid = ${key}.conrelid and ${index}.indisvalid
  and ${index}.indnkeyatts >= cardinality(${key}.conkey)
  and exists (
    select from pg_class ix join pg_am am on am.oid = ix.relam
    where ix.oid = ${index}.indexrelid and am.amname in ('btree', 'hash', 'gist')
  )
  and not exists (
    select from unnest(${key}.conkey, ${key}.conpfeqop) fk (att, operator)
    where not exists (
      select from generate_series(0, cardinality(${key}.conkey) - 1) at
      join pg_opclass oc on oc.oid = ${index}.indclass[at]
      join pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amopopr = fk.operator
      where ${index}.indkey[at] = fk.att
    )
  )
  and (${index}.indpred is null or not exists (
    select from regexp_split_to_table(
      ${whenOpen(`${index}.indrelid`, `pg_get_expr(${index}.indpred, ${index}.indrelid)`)}, ' AND ') part
    where btrim(part, '()') not in (
      select quote_ident(fa.attname) || ' IS NOT NULL'
      from pg_attribute fa where fa.attrelid = ${key}.conrelid and fa.attnum = any (${key}.conkey)
    )
  ))`
