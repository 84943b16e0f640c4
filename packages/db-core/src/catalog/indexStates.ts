/**
 * The state of named indexes: there and usable, there and not usable, or absent.
 *
 * An index whose build was interrupted stays in the catalog with `indisvalid` false; one that is being built now looks
 * the same and is told apart by `pg_stat_progress_create_index`.
 */
import { sql } from "drizzle-orm"

export interface IndexState {
  /** Qualified by its schema. */
  readonly name: string
  readonly usable: boolean
  readonly building: boolean
}

/** `names` are qualified by their schemas; at least one. */
export const indexStates = (names: ReadonlyArray<string>) =>
  sql<IndexState>`
select n.nspname || '.' || c.relname as name,
       i.indisvalid and i.indisready and i.indislive as usable,
       exists (
         select from pg_stat_progress_create_index p
         where p.index_relid = i.indexrelid and p.datname = current_database()
       ) as building
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname || '.' || c.relname in ${names}
order by 1`
