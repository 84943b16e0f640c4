/**
 * What the role that asks may do: in the database, in the schema that new tables go to, with the tables that are there,
 * and as an operator. Rights that it has through other roles count.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"
import { internalSchema } from "./internalSchema.ts"
import { isoInstant } from "./ServerFacts.ts"
import { isUsers } from "./UserRelation.ts"

export interface RoleRights {
  readonly role: string
  readonly database: string
  readonly isSuperuser: boolean
  /** Sessions at once, at most; -1 for no limit of its own. */
  readonly connectionLimit: number
  /** When its password ends; null when it does not. */
  readonly validUntil: string | null
  /** CREATE on the database. */
  readonly createsSchemas: boolean
  readonly hasInternalSchema: boolean
  /** Where new tables go; null when no schema of the search path exists or may be used. */
  readonly schema: string | null
  /** CREATE on that schema. */
  readonly createsTables: boolean
  /** The users' tables, and how many of them it does not own, may not read, may not write. */
  readonly tables: number
  readonly ownedByOthers: number
  readonly unreadable: number
  readonly unwritable: number
  /** Who owns those that it does not: at most ten roles. */
  readonly owners: ReadonlyArray<string>
  /** `pg_read_all_stats`: sees what other roles do, and their statements. `pg_monitor` has it. */
  readonly readsAllStats: boolean
  /** `pg_signal_backend`: may cancel and end sessions of other roles. */
  readonly signalsBackends: boolean
}

export const roleRights: CatalogQuery<RoleRights> = {
  name: "role-rights",
  sql: () => `
with tables as (
  select c.relowner, pg_has_role(c.relowner, 'usage') as owned,
    has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as read,
    has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'insert')
      and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete') as written
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and ${isUsers("n", "c")}
)
select r.rolname::text as role, current_database()::text as database, r.rolsuper as "isSuperuser",
  r.rolconnlimit as "connectionLimit",
  case when isfinite(r.rolvaliduntil) then ${isoInstant("r.rolvaliduntil")} end as "validUntil",
  has_database_privilege(current_database(), 'create') as "createsSchemas",
  to_regnamespace('${internalSchema}') is not null as "hasInternalSchema",
  current_schema()::text as schema,
  coalesce(has_schema_privilege(current_schema(), 'create'), false) as "createsTables",
  (select count(*) from tables)::int4 as tables,
  (select count(*) from tables where not owned)::int4 as "ownedByOthers",
  (select count(*) from tables where not read)::int4 as unreadable,
  (select count(*) from tables where not written)::int4 as unwritable,
  array(
    select distinct pg_get_userbyid(relowner)::text from tables where not owned order by 1 limit 10
  ) as owners,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage') as "readsAllStats",
  pg_has_role(current_user, 'pg_signal_backend', 'usage') as "signalsBackends"
from pg_roles r
where r.rolname = current_user`
}
