/**
 * How many bytes the columns of a row or of an index entry take on a page, on average: their widths as ANALYZE saw
 * them, and the gaps between them. Without the gaps, a table of booleans beside bigints looks half empty.
 *
 * A gap is known exactly as long as everything before it has a fixed length; behind a value of varying length, or one
 * that is null in some rows, every offset is as likely as any other, and the mean gap is taken. Values of varying
 * length up to 126 bytes have a header of one byte and no gap before them; longer ones are aligned.
 */

/** Bytes to which rows and entries are rounded up on every 64-bit machine. */
export const maxAlign = 8

const boundary = (align: string): string => `case ${align} when 'd' then 8 when 'i' then 4 when 's' then 2 else 1 end`

/** The mean gap before something that begins at a multiple of `to`, where offsets are `rest` modulo `known`. */
const gap = (to: string): string =>
  `case when ${to} <= p.known then (${to} - p.rest % ${to}) % ${to} else (p.known - p.rest) % p.known + (${to} - p.known) / 2.0 end`

/** Where a column that is null in between has been or not, nobody knows how offsets go on. */
const often = "between 0.05 and 0.95"

/**
 * Common table expressions, to stand behind `with recursive`. They read one called `field`: `rel`, `at` (1 for the
 * first column, and on without gaps), `len` and `align` as in `pg_attribute`, `storage` likewise, `width` (bytes of the
 * values that are not null; null when nobody knows) and `nulls` (their share). The result is `packed`: `rel`, `bytes`
 * rounded up to `maxAlign` (null when a width is), `nulls` (the share of rows with a null in them, if columns are null
 * independently), and what of `carried` each name stands for: aggregates of `field f`.
 *
 * All of it is carried along in one row for each relation, and nothing is joined: the planner takes these tables to have
 * a row each, and a nested loop over thousands of indexes does not end.
 */
export const packedWidth = (carried: Readonly<Record<string, string>>): string => {
  const names = Object.keys(carried)
  const along = ["count", "lens", "aligns", "storages", "widths", "nulls", ...names]
  const columns = (alias: string) => along.map((name) => `${alias}.${name}`).join(", ")
  return `
fields as (
  select f.rel, count(*)::int as count, array_agg(f.len order by f.at) as lens, array_agg(f.align order by f.at) as aligns,
    array_agg(f.storage order by f.at) as storages, array_agg(f.width order by f.at) as widths,
    array_agg(f.nulls order by f.at) as nulls, ${names.map((name) => `${carried[name]} as ${name}`).join(", ")}
  from field f group by f.rel
),
packing (rel, at, bytes, known, rest, filled, ${along.join(", ")}) as (
  select f.rel, 0, 0::float8, ${maxAlign}, 0, 1::float8, ${columns("f")} from fields f
  union all
  select p.rel, p.at + 1, p.bytes + (1 - f.nulls) * (g.gap + f.width),
    case when f.nulls > 0.95 then p.known when f.len < 0 or f.nulls ${often} then 1 else greatest(p.known, g.to) end,
    case when f.nulls > 0.95 then p.rest when f.len < 0 or f.nulls ${often} then 0
      else ((case when g.to > p.known then 0 else p.rest + g.gap end)::int + f.len) % greatest(p.known, g.to) end,
    p.filled * (1 - f.nulls), ${columns("p")}
  from packing p
  cross join lateral (
    select p.lens[p.at + 1] as len, p.aligns[p.at + 1] as align, p.storages[p.at + 1] as storage,
      p.widths[p.at + 1] as width, p.nulls[p.at + 1] as nulls
  ) f
  cross join lateral (
    select case when f.len = -1 and f.storage <> 'p' and f.width < 127 then 1 else ${boundary("f.align")} end as to
  ) b
  cross join lateral (select b.to, (${gap("b.to")})::float8 as gap) g
  where p.at < p.count
),
packed as (
  select p.rel, p.bytes + (${gap(String(maxAlign))}) as bytes, 1 - p.filled as nulls,
    ${names.map((name) => `p.${name}`).join(", ")}
  from packing p
  where p.at = p.count
)`
}

/**
 * What ANALYZE knows of a column, or of an index's expression under the index's name. To join laterally, on true. Looked
 * up one by one: nobody knows beforehand how many rows `pg_stats` has for this role, and a bad guess reads all of them
 * for each column. `schema`, `relation` and `attribute` are of type `name`.
 */
export const statisticsOf = (schema: string, relation: string, attribute: string): string =>
  `(
    select s.null_frac::float8 as nulls, s.avg_width, s.n_distinct::float8 as distinct_values
    from pg_stats s
    where s.schemaname = ${schema} and s.tablename = ${relation} and s.attname = ${attribute} and not s.inherited
    offset 0
  )`

/** Why a column of `relation`, an alias of `pg_class`, has none: this role may not read it, or nobody looked. */
export const isVisible = (relation: string, attribute: string): string =>
  `(has_column_privilege(${relation}.oid, ${attribute}, 'select')
    and not (${relation}.relrowsecurity and row_security_active(${relation}.oid)))`

/** The percentage to which pages are filled before the rest of them is kept for updates. */
export const fillFactorOf = (relation: string, standard: number): string =>
  `coalesce((
    select o.option_value::float8 from pg_options_to_table(${relation}.reloptions) o where o.option_name = 'fillfactor'
  ), ${standard})`
