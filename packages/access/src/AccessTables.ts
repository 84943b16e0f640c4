/** Installs the tables of machine tokens and of the audit log. Those of accounts and sessions are migrations. */
import { installed } from "@ems/db-core/migration/InternalTables"
import { accessSql } from "./accessSql.ts"

/** Says whether there was anything to do. Fails with `InsufficientPrivilege` for a role that may not create them. */
export const install = installed("audit_log_intents", accessSql)
