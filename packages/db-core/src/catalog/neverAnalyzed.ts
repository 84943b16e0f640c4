/**
 * Tables in the search path that hold rows and have never been analysed: the planner guesses for them.
 *
 * `reltuples` is -1 until the first VACUUM or ANALYZE (Postgres 14 and later). The cumulative statistics are not
 * asked: they are lost when the server crashes or a serverless compute suspends, what ANALYZE wrote is not.
 */
import { sql } from "drizzle-orm"

export interface NeverAnalyzed {
  readonly schema: string
  readonly name: string
}

export const neverAnalyzed = sql<NeverAnalyzed>`
select n.nspname as schema, c.relname as name
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm')
  and c.reltuples < 0
  and n.nspname = any (current_schemas(false))
  and pg_relation_size(c.oid) > 0
order by 1, 2`
