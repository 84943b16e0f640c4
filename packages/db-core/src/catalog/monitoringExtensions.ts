/**
 * The extensions that reports rest on: whether each is installed in this database, could be, and is loaded.
 */
import type { CatalogQuery } from "./CatalogQuery.ts"

export interface MonitoringExtension {
  readonly name: "pg_stat_statements" | "pgstattuple"
  /** Null when it is not installed in this database. */
  readonly installed: string | null
  /** The version that the server's files hold; null when it has none. */
  readonly offered: string | null
  /**
   * It is in `shared_preload_libraries`, without which `pg_stat_statements` counts nothing; that setting itself is shown
   * to few roles, but a loaded library defines settings that all may see. Null for one that need not be loaded.
   */
  readonly isPreloaded: boolean | null
}

export const monitoringExtensions: CatalogQuery<MonitoringExtension> = {
  name: "monitoring-extensions",
  sql: () => `
select n.name, e.extversion as installed, a.default_version as offered,
  case n.name when 'pg_stat_statements'
    then exists (select from pg_settings s where s.name = 'pg_stat_statements.max') end as "isPreloaded"
from (values ('pg_stat_statements'), ('pgstattuple')) n (name)
left join pg_extension e on e.extname = n.name
left join pg_available_extensions a on a.name = n.name
order by 1`
}
