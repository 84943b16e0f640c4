/**
 * Installs the tables in which maintenance keeps its jobs and their history. Without them it runs all the same, and
 * keeps no records.
 */
import { installed } from "./InternalTables.ts"
import { maintenanceSql } from "./maintenanceSql.ts"

export const install = installed("maintenance_step_kind", maintenanceSql)
